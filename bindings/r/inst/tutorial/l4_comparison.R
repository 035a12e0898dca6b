# SPDX-License-Identifier: MIT
# Does depth accelerate l_4 regression?   usage: Rscript l4_comparison.R [FILE]   FILE: ethanol.dat, .gz or not
library(depthopt)

# A table with the target in the last column: gas sensors, "class;concentration 1:v ... 128:v", or simulated.
file <- commandArgs(trailingOnly = TRUE)
if (length(file)) {
  fields <- strsplit(readLines(file), "[;: ]+")
  table <- t(vapply(fields, function(f) as.double(f[c(seq(4, 258, by = 2), 2)]), double(129)))
} else {
  z <- dopt_rng_normal(500, 12, seed = 2018)
  x <- z[, 2:11] + z[, 1]
  table <- cbind(x, x[, 1] - 2 * x[, 2] + 0.1 * z[, 12])
}

# Mean 0, variance 1.
table <- apply(table, 2, function(column) {
  column <- column - mean(column)
  column / sqrt(mean(column^2))
})
x <- table[, -ncol(table)]
y <- table[, ncol(table)]

# The same start, steps and learning rate for all; the plain run starts where depth 2 does.
for (depth in 1:3) {
  options <- dopt_options(model = if (depth == 1) "direct" else "e2e", depth = max(depth, 2), init = "normal",
                          init_std = 0.3, seed = 1, lr = 1e-3, max_steps = 2000)
  fit <- dopt_fit(x, y, dopt_loss("lp", 4, weight = 1), options) # weight 1: the plain mean of |error|^4
  cat(sprintf("depth %d: %.15e\n", depth, fit$value))
}
