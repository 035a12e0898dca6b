# SPDX-License-Identifier: MIT
# The functions of the package: arguments are brought to the types that the shims in src/ want, nothing else.

# Doubles are used where they are; integers and logicals become doubles.
numbers <- function(a) {
  if (!is.numeric(a) && !is.logical(a)) stop(deparse(substitute(a)), " must be numeric", call. = FALSE)
  if (!is.double(a)) storage.mode(a) <- "double"
  a
}

one <- function(a, what) {
  if (!is.numeric(a) || length(a) != 1) stop(what, " must be one number", call. = FALSE)
  as.double(a)
}

dopt_version <- function() .Call(shim_version)

dopt_rng_normal <- function(rows, cols, seed, stream = 0, sd = 1) {
  .Call(shim_rng_normal, c(one(rows, "rows"), one(cols, "cols")), one(seed, "seed"), one(stream, "stream"), one(sd, "sd"))
}

dopt_sym_power <- function(a, power) .Call(shim_sym_power, numbers(a), one(power, "power"))

dopt_e2e <- function(rows, cols, depth, method = c("nested", "svd"), refresh_tolerance = 0) {
  .Call(shim_e2e, one(rows, "rows"), one(cols, "cols"), one(depth, "depth"), match.arg(method) == "svd",
        one(refresh_tolerance, "refresh_tolerance"))
}

dopt_e2e_apply <- function(e2e, w, grad) .Call(shim_e2e_apply, e2e, numbers(w), numbers(grad))

dopt_e2e_update <- function(e2e, w, grad, lr, weight_decay = 0) {
  .Call(shim_e2e_update, e2e, numbers(w), numbers(grad), one(lr, "lr"), one(weight_decay, "weight_decay"))
}

dopt_e2e_spectrum <- function(e2e, w) .Call(shim_e2e_spectrum, e2e, numbers(w))

dopt_loss <- function(kind = c("lp", "squared", "huber", "logistic", "softmax_ce"), parameter = NULL, weight = 0) {
  kind <- match.arg(kind)
  if (is.null(parameter)) parameter <- if (kind == "huber") 1 else 2
  structure(list(kind = kind, parameter = one(parameter, "parameter"), weight = one(weight, "weight")),
            class = "dopt_loss")
}

dopt_loss_eval <- function(loss, z, y) .Call(shim_loss_eval, loss, numbers(z), numbers(y))

dopt_options <- function(model = c("e2e", "factored", "direct"), depth = 2, width = 0,
                         init = c("given", "normal", "identity", "balanced"), init_std = 0.01,
                         optimizer = "gd", lr = 0, weight_decay = 0, hypers = NULL,
                         schedule = c("constant", "step", "exponential", "cosine", "inverse_time"), warmup = 0,
                         period = 0, factor = 0, batch_size = 0, seed = 0, max_steps = 1000, target = -Inf,
                         value_tolerance = 0, gradient_tolerance = 0, step_tolerance = 0, max_seconds = Inf,
                         threads = 0, callback = NULL) {
  structure(list(model = match.arg(model), depth = depth, width = width, init = match.arg(init), init_std = init_std,
                 optimizer = optimizer, lr = lr, weight_decay = weight_decay,
                 hypers = if (length(hypers)) numbers(hypers) else numeric(0), schedule = match.arg(schedule),
                 warmup = warmup, period = period, factor = factor, batch_size = batch_size, seed = seed,
                 max_steps = max_steps, target = target, value_tolerance = value_tolerance,
                 gradient_tolerance = gradient_tolerance, step_tolerance = step_tolerance, max_seconds = max_seconds,
                 threads = threads, callback = callback), class = "dopt_options")
}

# W of x and y: one row for each output, one column for each feature.
start_of <- function(w, x, y) {
  if (is.null(w)) matrix(0, NCOL(y), NCOL(x)) else numbers(w)
}

dopt_fit <- function(x, y, loss = dopt_loss("squared"), options = dopt_options(), w = NULL) {
  .Call(shim_fit, numbers(x), numbers(y), loss, NULL, start_of(w, x, y), options, options[["callback"]])
}

dopt_minimise <- function(fn, w, options = dopt_options()) {
  .Call(shim_fit, NULL, NULL, NULL, match.fun(fn), numbers(w), options, options[["callback"]])
}

dopt_lr_search <- function(x, y, loss = dopt_loss("squared"), options = dopt_options(), w = NULL,
                           grid = 10^seq(-6, 0.5, by = 0.5)) {
  found <- .Call(shim_lr_search, numbers(x), numbers(y), loss, start_of(w, x, y), options, numbers(grid))
  trials <- data.frame(found[c("lr", "value", "reason", "steps")])
  list(lr = trials[["lr"]][found[["best"]]], trials = trials)
}

dopt_net <- function(widths, bias = FALSE) .Call(shim_net, as.double(widths), isTRUE(bias))

dopt_net_init <- function(net, how = c("normal", "orthogonal", "identity", "balanced"), scale, seed = 0, stream = 0) {
  invisible(.Call(shim_net_init, net, match.arg(how), numbers(scale), one(seed, "seed"), one(stream, "stream")))
}

dopt_net_factor <- function(net, j) .Call(shim_net_factor, net, one(j, "j"))
dopt_net_grad <- function(net, j) .Call(shim_net_grad, net, one(j, "j"))
dopt_net_bias <- function(net) .Call(shim_net_bias, net)
dopt_net_product <- function(net) .Call(shim_net_product, net)
dopt_net_forward <- function(net, x) .Call(shim_net_forward, net, numbers(x))
dopt_net_backprop <- function(net, x, dz) .Call(shim_net_backprop, net, numbers(x), numbers(dz))
dopt_net_imbalance <- function(net) .Call(shim_net_imbalance, net)

dopt_optim <- function(kind = "gd", ...) {
  hypers <- c(...)
  if (length(hypers) && is.null(names(hypers))) stop("hyperparameters are given by name", call. = FALSE)
  .Call(shim_optim, as.character(kind), names(hypers), as.double(hypers))
}

dopt_optim_step <- function(optim, net, grad = NULL) {
  invisible(.Call(shim_optim_step, optim, net, if (is.null(grad)) NULL else numbers(grad)))
}
