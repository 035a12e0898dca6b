/* SPDX-License-Identifier: MIT */
/* The names by which R calls the shims. */
#include "shims.h"

#include <R_ext/Rdynload.h>

SEXP shim_version(void);
SEXP shim_rng_normal(SEXP, SEXP, SEXP, SEXP);
SEXP shim_sym_power(SEXP, SEXP);
SEXP shim_e2e(SEXP, SEXP, SEXP, SEXP, SEXP);
SEXP shim_e2e_apply(SEXP, SEXP, SEXP);
SEXP shim_e2e_update(SEXP, SEXP, SEXP, SEXP, SEXP);
SEXP shim_e2e_spectrum(SEXP, SEXP);
SEXP shim_loss_eval(SEXP, SEXP, SEXP);
SEXP shim_fit(SEXP, SEXP, SEXP, SEXP, SEXP, SEXP, SEXP);
SEXP shim_lr_search(SEXP, SEXP, SEXP, SEXP, SEXP, SEXP);
SEXP shim_net(SEXP, SEXP);
SEXP shim_net_init(SEXP, SEXP, SEXP, SEXP, SEXP);
SEXP shim_net_factor(SEXP, SEXP);
SEXP shim_net_grad(SEXP, SEXP);
SEXP shim_net_bias(SEXP);
SEXP shim_net_product(SEXP);
SEXP shim_net_forward(SEXP, SEXP);
SEXP shim_net_backprop(SEXP, SEXP, SEXP);
SEXP shim_net_imbalance(SEXP);
SEXP shim_optim(SEXP, SEXP, SEXP);
SEXP shim_optim_step(SEXP, SEXP, SEXP);

#define SHIM(name, count)                                                                                              \
    {                                                                                                                  \
        "shim_" #name, (DL_FUNC)&shim_##name, count                                                                    \
    }

static const R_CallMethodDef shims[] = {
    SHIM(version, 0),     SHIM(rng_normal, 4),   SHIM(sym_power, 2),    SHIM(e2e, 5),           SHIM(e2e_apply, 3),
    SHIM(e2e_update, 5),  SHIM(e2e_spectrum, 2), SHIM(loss_eval, 3),    SHIM(fit, 7),           SHIM(lr_search, 6),
    SHIM(net, 2),         SHIM(net_init, 5),     SHIM(net_factor, 2),   SHIM(net_grad, 2),      SHIM(net_bias, 1),
    SHIM(net_product, 1), SHIM(net_forward, 2),  SHIM(net_backprop, 3), SHIM(net_imbalance, 1), SHIM(optim, 3),
    SHIM(optim_step, 3),  { NULL, NULL, 0 },
};

void R_init_depthopt(DllInfo *dll)
{
    R_registerRoutines(dll, NULL, shims, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, TRUE);
}
