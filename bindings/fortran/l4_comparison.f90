! SPDX-License-Identifier: MIT
!> Does depth accelerate l_4 regression?   usage: l4_comparison [FILE]   FILE: ethanol.dat, unpacked; default: simulated
program l4_comparison
    use depthopt
    use gas_table, only: load
    implicit none
    real(c_double), allocatable, target :: x(:, :), y(:), w(:, :)
    type(c_ptr) :: loss = c_null_ptr, objective = c_null_ptr
    type(dopt_loss_options) :: mean
    type(dopt_fit_options) :: options
    type(dopt_report) :: report
    integer :: depth

    call load(x, y) ! one row for each measurement, column-major as all Fortran arrays
    allocate (w(1, size(x, 2)))
    mean = dopt_loss_options()
    mean%weight = 1 ! the plain mean of |error|^4, without 1/4
    call check(dopt_loss_create_lp(4.0_c_double, mean, loss))
    call check(dopt_objective_create_data(dopt_cview(x), dopt_cview(y), loss, out=objective))
    options = dopt_fit_options()
    options%init = DOPT_INIT_NORMAL
    options%init_std = 0.3_c_double
    options%seed = 1
    options%lr = 1e-3_c_double
    options%max_steps = 2000
    do depth = 1, 3
        options%model = merge(DOPT_MODEL_DIRECT, DOPT_MODEL_E2E, depth == 1)
        options%depth = max(depth, 2) ! plain gradient descent starts where depth 2 does
        call check(dopt_fit(objective, options, dopt_view(w), report))
        print '("depth ", i0, ": ", es22.15)', depth, report%value
    end do
    call dopt_objective_destroy(objective)
    call dopt_loss_destroy(loss)
contains
    subroutine check(status)
        integer(c_int), intent(in) :: status
        if (status /= DOPT_OK) error stop dopt_last_error()
    end subroutine
end program
