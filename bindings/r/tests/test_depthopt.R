# SPDX-License-Identifier: MIT
# Two routes to the same numbers, the shapes of results, and errors that say what is wrong.
library(depthopt)

close_to <- function(a, b, tolerance = 1e-13) stopifnot(identical(dim(a), dim(b)), max(abs(a - b)) < tolerance)
message_of <- function(expression) tryCatch({ expression; "no error" }, error = conditionMessage)
says <- function(text, expression) {
  message <- message_of(expression)
  if (!grepl(text, message, fixed = TRUE)) stop("not '", text, "': ", message)
}

# At depth 2, P = (W W^T)^(1/2) G + G (W^T W)^(1/2).
w <- dopt_rng_normal(4, 4, seed = 1) + 3 * diag(4)
g <- dopt_rng_normal(4, 4, seed = 2)
before <- w + 0
e2e <- dopt_e2e(4, 4, 2)
p <- dopt_sym_power(w %*% t(w), 0.5) %*% g + g %*% dopt_sym_power(t(w) %*% w, 0.5)
close_to(dopt_e2e_apply(e2e, w, g), p)
close_to(dopt_e2e_update(e2e, w, g, 0.1), w - 0.1 * p)
close_to(dopt_e2e_update(e2e, w, g, 0.1, weight_decay = 0.5), (1 - 0.1 * 0.5 * 2) * w - 0.1 * p)
close_to(dopt_e2e_apply(dopt_e2e(4, 4, 2, method = "svd"), w, g), p)
stopifnot(identical(w, before))

# Not square, and integers: the spectrum is that of the map on matrices.
w <- dopt_rng_normal(2, 3, seed = 3)
spectrum <- dopt_e2e_spectrum(dopt_e2e(2, 3, 3), w)
close_to(matrix(spectrum$sigma), matrix(svd(w)$d))
s <- svd(w, nv = 3)
u1v3 <- s$u[, 1] %*% t(s$v[, 3])
close_to(dopt_e2e_apply(dopt_e2e(2, 3, 3), w, u1v3), spectrum$eigenvalues[1, 3] * u1v3)
close_to(dopt_e2e_update(dopt_e2e(1, 2, 2), matrix(3:4, 1), matrix(1:0, 1), 0.1), matrix(c(2.32, 3.76), 1), 1e-14)

# Losses
found <- dopt_loss_eval(dopt_loss("lp", 4, weight = 1), c(1, 3), c(0, 1))
stopifnot(abs(found$value - 8.5) < 1e-14)
close_to(found$dz, matrix(c(2, 16)))
close_to(dopt_loss_eval(dopt_loss("huber", 1), c(0.5, 3), c(0, 0))$dz, matrix(c(0.5, 1) / 2))

# One run three ways: from data, from a function, step by step.
x <- dopt_rng_normal(60, 5, seed = 4)
y <- x %*% t(dopt_rng_normal(2, 5, seed = 5))
fn <- function(w) {
  r <- x %*% t(w) - y
  list(sum(r^2) / nrow(x) / 2, t(r) %*% x / nrow(x))
}
start <- dopt_rng_normal(2, 5, seed = 6)
options <- dopt_options(depth = 2.5, lr = 0.01, max_steps = 50)
a <- dopt_fit(x, y, dopt_loss("squared"), options, start)
b <- dopt_minimise(fn, start, options)
w <- start
e2e <- dopt_e2e(2, 5, 2.5)
for (step in 1:50) w <- dopt_e2e_update(e2e, w, fn(w)[[2]], 0.01)
close_to(a$w, b$w)
close_to(a$w, w)
stopifnot(a$reason == "steps", a$steps == 50, abs(a$value - fn(w)[[1]]) < 1e-13, a$value < fn(start)[[1]] / 2)
stopifnot(identical(start, dopt_rng_normal(2, 5, seed = 6)))

# Callbacks see the run, can stop it, and can fail.
seen <- numeric(0)
watching <- function(event) {
  seen <<- c(seen, event$value)
  stopifnot(identical(dim(event$w), c(2L, 5L)))
  event$step == 7
}
stopped <- dopt_fit(x, y, options = dopt_options(depth = 2.5, lr = 0.01, callback = watching), w = start)
stopifnot(stopped$reason == "callback", stopped$steps == 7, length(seen) == 8, all(diff(seen) < 0))
says("no more", dopt_fit(x, y, options = dopt_options(callback = function(event) stop("no more")), w = start))
says("no gradient", dopt_minimise(function(w) stop("no gradient"), start))
says("fn must give a list", dopt_minimise(function(w) list(1), start))
says("fn must give a list", dopt_minimise(function(w) list(1, 2), start))

# The best of three learning rates; momentum has its hyperparameter.
search <- dopt_lr_search(x, y, options = options, w = start, grid = c(1e-4, 0.05, 50))
stopifnot(search$lr == 0.05, search$trials$reason[3] == "diverged", nrow(search$trials) == 3)
with_momentum <- function(momentum) {
  options <- dopt_options("direct", optimizer = "momentum", lr = 0.05, hypers = c(momentum = momentum))
  dopt_fit(x, y, options = options, w = start)
}
fast <- with_momentum(0.5)
slow <- with_momentum(0)
plain <- dopt_fit(x, y, options = dopt_options("direct", lr = 0.05), w = start)
stopifnot(identical(slow$w, plain$w), !identical(fast$w, slow$w))

# Factors: the product, gradients by finite differences, a step by hand.
net <- dopt_net_init(dopt_net(c(5, 3, 2), bias = TRUE), "normal", 0.5, seed = 7)
close_to(dopt_net_product(net), dopt_net_factor(net, 2) %*% dopt_net_factor(net, 1))
close_to(dopt_net_forward(net, x), x %*% t(dopt_net_product(net)))
dz <- dopt_rng_normal(60, 2, seed = 8)
close_to(dopt_net_backprop(net, x, dz), dz %*% dopt_net_product(net))
close_to(dopt_net_grad(net, 2), t(dz) %*% x %*% t(dopt_net_factor(net, 1)), 1e-12)
w2 <- dopt_net_factor(net, 2) - 0.25 * dopt_net_grad(net, 2)
dopt_optim_step(dopt_optim("gd", lr = 0.25), net)
close_to(dopt_net_factor(net, 2), w2)
close_to(dopt_net_bias(net), matrix(-0.25 * colSums(dz), 1), 1e-12)
dopt_net_init(net, "balanced", start)
close_to(dopt_net_product(net), start)
stopifnot(dopt_net_imbalance(net) < 1e-13)

# Messages name the argument.
says("dopt_e2e_create: depth", dopt_e2e(2, 3, 0.5))
says("w is 2 x 5, must be 2 x 3", dopt_e2e_apply(dopt_e2e(2, 3, 2), start, start))
says("not what dopt_e2e() returns", dopt_e2e_apply(net, start, start))
says("w must be numeric", dopt_e2e_apply(dopt_e2e(1, 1, 2), "a", "b"))
says("hyperparameter", dopt_fit(x, y, options = dopt_options(hypers = c(pull = 1)), w = start))
says("nan", dopt_fit(replace(x, 3, NaN), y, w = start))
says("lr must be one number", dopt_e2e_update(e2e, start, start, c(1, 2)))
for (size in c(2.5, NA, Inf, -Inf, 1e300)) says("must be a whole number", dopt_e2e(size, 3, 2))
says("rows is -1", dopt_e2e(-1, 3, 2))
says("seed is -1, must be >= 0", dopt_rng_normal(2, 2, seed = -1))
says("a matrix of -1 x 2 cannot be made", dopt_rng_normal(-1, 2, seed = 1))
says("max_steps is inf, must be a whole number", dopt_fit(x, y, options = dopt_options(max_steps = Inf), w = start))
says("threads", dopt_fit(x, y, options = dopt_options(threads = 1e12), w = start))
says("j is 1.5, must be a whole number", dopt_net_factor(net, 1.5))
stopifnot(is.null(dopt_net_factor(net, 3)), is.null(dopt_net_factor(net, -1e10)))

# Handles that nobody holds are freed.
rm(net, e2e)
invisible(gc())
