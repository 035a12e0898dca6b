! SPDX-License-Identifier: MIT
!> A view of numbers of 4 bytes, copied into numbers of 8: it must end here.
program test_types
    use, intrinsic :: iso_c_binding, only: c_double, c_float
    use depthopt
    implicit none
    real(c_float), target :: small(2, 2) = 1
    real(c_double) :: large(2, 2)
    call dopt_copy(dopt_cview(small), large)
    print *, large
end program
