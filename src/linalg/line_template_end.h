/* SPDX-License-Identifier: MIT */
/* After line_template.h and what builds on it: ready for the next dtype. */

#undef REAL
#undef VECTOR
#undef NAMED
#undef WIDTH
#undef LANES
