/* SPDX-License-Identifier: MIT */
/* Factored networks and the optimizers that train them. */
#include "shims.h"

#include <limits.h>
#include <string.h>

static void finalize_net(SEXP handle)
{
    dopt_net *net = R_ExternalPtrAddr(handle);
    dopt_net_destroy(&net);
    R_ClearExternalPtr(handle);
}

static void finalize_optim(SEXP handle)
{
    dopt_optim *optim = R_ExternalPtrAddr(handle);
    dopt_optim_destroy(&optim);
    R_ClearExternalPtr(handle);
}

static dopt_net *net_of(SEXP handle)
{
    return shim_pointer(handle, "dopt_net");
}

SEXP shim_net(SEXP widths, SEXP bias)
{
    const int depth = Rf_length(widths) - 1;
    dopt_net *net = NULL;
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    options.bias = Rf_asLogical(bias) == TRUE;
    ptrdiff_t *dims = (ptrdiff_t *)R_alloc((size_t)depth + 2, sizeof *dims);
    for (int j = 0; j <= depth; j++)
        dims[j] = (ptrdiff_t)shim_whole(REAL(widths)[j], "widths");
    shim_check(dopt_net_create(DOPT_F64, depth, dims, &options, &net));
    return shim_handle(net, "dopt_net", finalize_net);
}

/* `scale`: a standard deviation, a factor, or for "balanced" the matrix that the product shall be. */
SEXP shim_net_init(SEXP handle, SEXP how, SEXP scale, SEXP seed, SEXP stream)
{
    dopt_net *net = net_of(handle);
    const char *kind = CHAR(STRING_ELT(how, 0));
    dopt_rng rng = dopt_rng_init(shim_seed(Rf_asReal(seed), "seed"), shim_seed(Rf_asReal(stream), "stream"));
    if (strcmp(kind, "balanced") == 0)
        shim_check(dopt_net_init_balanced(net, shim_cview(scale, "scale")));
    else if (strcmp(kind, "identity") == 0)
        shim_check(dopt_net_init_identity(net, Rf_asReal(scale)));
    else if (strcmp(kind, "orthogonal") == 0)
        shim_check(dopt_net_init_orthogonal(net, &rng, Rf_asReal(scale)));
    else
        shim_check(dopt_net_init_normal(net, &rng, Rf_asReal(scale)));
    return handle;
}

/* Of a layer that there is not, the library gives no view. */
static int layer(SEXP j)
{
    const int64_t whole = shim_whole(Rf_asReal(j), "j");
    return whole < 1 || whole > INT_MAX ? 0 : (int)whole;
}

SEXP shim_net_factor(SEXP handle, SEXP j)
{
    return shim_copy(dopt_const(dopt_net_factor(net_of(handle), layer(j))));
}

SEXP shim_net_grad(SEXP handle, SEXP j)
{
    return shim_copy(dopt_const(dopt_net_grad(net_of(handle), layer(j))));
}

SEXP shim_net_bias(SEXP handle)
{
    return shim_copy(dopt_const(dopt_net_bias(net_of(handle))));
}

SEXP shim_net_product(SEXP handle)
{
    const dopt_net *net = net_of(handle);
    const SEXP out = PROTECT(shim_matrix(dopt_net_width(net, dopt_net_depth(net)), dopt_net_width(net, 0)));
    shim_check(dopt_net_product(net, shim_view(out, "w")));
    UNPROTECT(1);
    return out;
}

SEXP shim_net_forward(SEXP handle, SEXP x)
{
    dopt_net *net = net_of(handle);
    const dopt_cmat in = shim_cview(x, "x");
    const SEXP out = PROTECT(shim_matrix(in.rows, dopt_net_width(net, dopt_net_depth(net))));
    shim_check(dopt_net_forward(net, in, shim_view(out, "z")));
    UNPROTECT(1);
    return out;
}

/* The gradients stay in the net; dL/dX is given back. */
SEXP shim_net_backprop(SEXP handle, SEXP x, SEXP dz)
{
    dopt_net *net = net_of(handle);
    const dopt_cmat in = shim_cview(x, "x"), slope = shim_cview(dz, "dz");
    const SEXP out = PROTECT(shim_matrix(in.rows, in.cols));
    shim_check(dopt_net_backprop(net, in, slope, shim_view(out, "dx")));
    UNPROTECT(1);
    return out;
}

SEXP shim_net_imbalance(SEXP handle)
{
    return Rf_ScalarReal(dopt_net_imbalance(net_of(handle)));
}

SEXP shim_optim(SEXP kind, SEXP names, SEXP values)
{
    dopt_optim_kind found = DOPT_OPTIM_GD;
    dopt_optim *optim = NULL;
    shim_check(dopt_optim_kind_by_name(CHAR(STRING_ELT(kind, 0)), &found));
    shim_check(dopt_optim_create(found, &optim));
    const SEXP out = PROTECT(shim_handle(optim, "dopt_optim", finalize_optim));
    for (int i = 0; i < Rf_length(names); i++) {
        int h = 0;
        while (h < DOPT_HYPER_COUNT && strcmp(CHAR(STRING_ELT(names, i)), dopt_hyper_name((dopt_hyper)h)) != 0)
            h++;
        shim_check(dopt_optim_set(optim, (dopt_hyper)h, REAL(values)[i]));
    }
    UNPROTECT(1);
    return out;
}

/* With a gradient, dL/dW, it is sent through the factors first; without, the gradients in the net are taken. */
SEXP shim_optim_step(SEXP optim, SEXP handle, SEXP grad)
{
    dopt_optim *rule = shim_pointer(optim, "dopt_optim");
    if (grad == R_NilValue)
        shim_check(dopt_optim_apply_net(rule, net_of(handle)));
    else
        shim_check(dopt_step(rule, net_of(handle), shim_cview(grad, "grad")));
    return handle;
}
