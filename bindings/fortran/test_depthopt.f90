! SPDX-License-Identifier: MIT
!> The Fortran modules: views of arrays and sections, two routes to the same numbers, callbacks, messages, defaults.
program test_depthopt
    use depthopt
    implicit none
    integer :: failures = 0
    integer(c_int64_t) :: last_step = -1
    real(c_double), parameter :: goal(2, 3) = reshape([2, 3, 4, 5, 6, 7], [2, 3])

    call views()
    call update_of_a_section()
    call single_precision()
    call messages()
    call random_numbers()
    call nets()
    call training()
    call losses()
    if (failures > 0) error stop "failures"

contains

    subroutine expect(condition, what)
        logical, intent(in) :: condition
        character(len=*), intent(in) :: what
        if (condition) return
        failures = failures + 1
        print "(a)", "failed: " // what // "; last error: " // dopt_last_error()
    end subroutine

    logical function is(m, rows, cols, row_stride, col_stride)
        type(dopt_mat), intent(in) :: m
        integer, intent(in) :: rows, cols, row_stride, col_stride
        is = m%rows == rows .and. m%cols == cols .and. m%row_stride == row_stride .and. m%col_stride == col_stride
    end function

    subroutine views()
        real(c_double), target :: a(7, 9), v(12)
        type(dopt_mat) :: m
        type(c_ptr) :: start
        a = 0
        v = 0
        m = dopt_view(a)
        call expect(is(m, 7, 9, 1, 7), "a whole array")
        m = dopt_view(a(2:4, 3::2))
        call expect(is(m, 3, 4, 1, 14), "a section")
        start = c_loc(a(2, 3)) ! within the call it brings gfortran 12 down
        call expect(c_associated(m%data, start), "start of a section")
        m = dopt_view(a(5:5, :))
        call expect(is(m, 1, 9, 1, 7), "a row of two dimensions")
        m = dopt_view(v(::3))
        call expect(is(m, 4, 1, 3, 1), "every third element")
        m = dopt_transposed(dopt_view(a))
        call expect(is(m, 9, 7, 7, 1), "a transpose")
        m = dopt_view(a(:, 1:0))
        call expect(m%rows == 7 .and. m%cols == 0, "an empty array")
    end subroutine

    !> At depth 2, P = (W W^T)^(1/2) G + G (W^T W)^(1/2), with the powers from dopt_sym_power().
    subroutine update_of_a_section()
        real(c_double), target :: w(6, 8), g(4, 4), left(4, 4), right(4, 4)
        real(c_double) :: before(6, 8), want(4, 4)
        type(c_ptr) :: e2e = c_null_ptr
        integer :: i
        call random_number(w)
        call random_number(g)
        do i = 1, 4
            w(i + 1, i + 2) = w(i + 1, i + 2) + 3 ! far from singular, where roots of Gram matrices lose half the digits
        end do
        before = w
        left = matmul(w(2:5, 3:6), transpose(w(2:5, 3:6)))
        right = matmul(transpose(w(2:5, 3:6)), w(2:5, 3:6))
        call expect(dopt_sym_power(dopt_cview(left), 0.5_c_double, dopt_view(left)) == DOPT_OK, "left root")
        call expect(dopt_sym_power(dopt_cview(right), 0.5_c_double, dopt_view(right)) == DOPT_OK, "right root")
        want = w(2:5, 3:6) - 0.25_c_double * (matmul(left, g) + matmul(g, right))
        call expect(dopt_e2e_create(4_c_ptrdiff_t, 4_c_ptrdiff_t, 2.0_c_double, out=e2e) == DOPT_OK, "create")
        call expect(dopt_e2e_update(e2e, dopt_view(w(2:5, 3:6)), dopt_cview(g), 0.25_c_double, 0.0_c_double) == &
                    DOPT_OK, "update")
        call expect(dopt_e2e_route_taken(e2e) == DOPT_E2E_ROUTE_NESTED, "route")
        call dopt_e2e_destroy(e2e)
        call expect(.not. c_associated(e2e), "destroyed")
        call expect(maxval(abs(w(2:5, 3:6) - want)) < 1e-13_c_double, "two routes to one update")
        w(2:5, 3:6) = before(2:5, 3:6)
        call expect(all(abs(w - before) <= 0), "elements beside the section")
    end subroutine

    !> One output: |w|^(2 - 2/N) (g + (N - 1) u u^T g).
    subroutine single_precision()
        real(c_float), target :: w(1, 2), g(1, 2), p(1, 2)
        type(c_ptr) :: e2e = c_null_ptr
        w(1, :) = [3.0_c_float, 4.0_c_float]
        g(1, :) = [1.0_c_float, 0.0_c_float]
        call expect(dopt_e2e_create(1_c_ptrdiff_t, 2_c_ptrdiff_t, 2.0_c_double, out=e2e) == DOPT_OK, "create")
        call expect(dopt_e2e_apply(e2e, dopt_cview(w), dopt_cview(g), dopt_view(p)) == DOPT_OK, "apply")
        call expect(maxval(abs(p(1, :) - [6.8_c_float, 2.4_c_float])) < 1e-5_c_float, "float32")
        call dopt_e2e_destroy(e2e)
    end subroutine

    subroutine messages()
        real(c_double), target :: w(4, 4), g(4, 4)
        type(c_ptr) :: e2e = c_null_ptr
        w = 1
        g = 1
        call expect(dopt_e2e_create(4_c_ptrdiff_t, 2_c_ptrdiff_t, 0.5_c_double, out=e2e) == DOPT_ERR_INVALID, "a depth")
        call expect(index(dopt_last_error(), "dopt_e2e_create: ") == 1, "who failed")
        call expect(.not. c_associated(e2e), "no handle after a failure")
        call expect(dopt_e2e_create(2_c_ptrdiff_t, 4_c_ptrdiff_t, 2.0_c_double, dopt_e2e_options(), e2e) == DOPT_OK, &
                    "default options")
        call expect(dopt_e2e_update(e2e, dopt_view(w(::2, :)), dopt_cview(g(1:2, :)), 1.0_c_double, 0.0_c_double) == &
                    DOPT_ERR_SHAPE, "columns with gaps")
        call expect(all(abs(w - 1) <= 0), "untouched")
        call dopt_e2e_destroy(e2e)
        call expect(len(dopt_version()) >= 5, "version")
        call expect(dopt_stop_reason_string(DOPT_STOP_STEPS) == "steps", "stop reason")
        call expect(dopt_optim_kind_name(DOPT_OPTIM_ADAM) == "adam", "name of an optimizer")
        call expect(dopt_hyper_name(DOPT_BETA1) == "beta1", "name of a hyperparameter")
    end subroutine

    subroutine random_numbers()
        real(c_double), target :: a(3, 4), b(4, 3)
        type(dopt_rng) :: rng
        integer(c_ptrdiff_t) :: rows(10)
        rng = dopt_rng_init(7_c_int64_t, 1_c_int64_t)
        call expect(dopt_rng_fill_normal(rng, dopt_view(a), 1.0_c_double) == DOPT_OK, "fill")
        rng = dopt_rng_init(7_c_int64_t, 1_c_int64_t)
        call expect(dopt_rng_fill_normal(rng, dopt_transposed(dopt_view(b)), 1.0_c_double) == DOPT_OK, "transpose")
        call expect(all(abs(a - transpose(b)) <= 0) .and. any(a > 0), "numbers in row order whatever the layout")
        call expect(dopt_rng_permute_rows(1_c_int64_t, 0_c_int64_t, 10_c_ptrdiff_t, 0_c_ptrdiff_t, 10_c_ptrdiff_t, &
                                          rows) == DOPT_OK, "permute")
        call expect(sum(rows) == 45, "a permutation")
    end subroutine

    !> The product of the factors, which are row-major views, against matmul.
    subroutine nets()
        type(c_ptr) :: net = c_null_ptr, optim = c_null_ptr
        type(dopt_rng) :: rng
        type(dopt_mat) :: m
        real(c_double), pointer :: w1(:, :), w2(:, :)
        real(c_double), target :: w(2, 5), after(2, 5), g(2, 5)
        type(dopt_net_options) :: options
        integer(c_ptrdiff_t), parameter :: dims(3) = [5, 3, 2]
        options = dopt_net_options()
        rng = dopt_rng_init(3_c_int64_t, 0_c_int64_t)
        call expect(dopt_net_create(DOPT_F64, 2, dims, options, net) == DOPT_OK, "net")
        call expect(dopt_net_init_normal(net, rng, 0.5_c_double) == DOPT_OK, "init")
        call expect(dopt_net_product(net, dopt_view(w)) == DOPT_OK, "product")
        m = dopt_net_factor(net, 1)
        call c_f_pointer(m%data, w1, [m%row_stride, m%rows])
        m = dopt_net_factor(net, 2)
        call c_f_pointer(m%data, w2, [m%row_stride, m%rows])
        call expect(maxval(abs(w - transpose(matmul(w1(:5, :), w2(:3, :))))) < 1e-15_c_double, "product of the factors")
        g = w
        call expect(dopt_optim_create(DOPT_OPTIM_GD, optim) == DOPT_OK, "optimizer")
        call expect(dopt_optim_set(optim, DOPT_LR, 0.1_c_double) == DOPT_OK, "learning rate")
        call expect(dopt_step(optim, net, dopt_cview(g)) == DOPT_OK, "step")
        call expect(dopt_net_product(net, dopt_view(after)) == DOPT_OK, "product after the step")
        call expect(norm2(after) < norm2(w), "downhill")
        call dopt_optim_destroy(optim)
        call dopt_net_destroy(net)
    end subroutine

    !> |w - goal|^2 / 2 from a Fortran procedure; stopped by another after five steps.
    subroutine training()
        type(c_ptr) :: objective = c_null_ptr
        real(c_double), target :: w(2, 3)
        type(dopt_fit_options) :: options
        type(dopt_report) :: report, defaults
        type(dopt_lr_trial) :: trials(3)
        real(c_double), parameter :: rates(3) = [1e-3_c_double, 0.5_c_double, 9.0_c_double]
        integer(c_int) :: best
        best = -1
        w = 1
        call expect(dopt_objective_create_custom(2_c_ptrdiff_t, 3_c_ptrdiff_t, c_funloc(bowl), c_null_ptr, &
                                                 objective) == DOPT_OK, "objective")
        options = dopt_fit_options()
        options%lr = 0.125_c_double
        options%depth = 1
        options%callback = c_funloc(on_step)
        call expect(dopt_fit(objective, options, dopt_view(w), report) == DOPT_OK, "fit")
        call expect(report%reason == DOPT_STOP_CALLBACK .and. report%steps == 5 .and. last_step == 5, "stopped")
        call expect(maxval(abs(w - goal - (1 - goal) * 0.875_c_double**5)) < 1e-14_c_double, "five steps")
        w = 1
        call expect(dopt_fit(objective, dopt_fit_options(), dopt_view(w), report) == DOPT_OK, "fit by default options")
        w = 1
        call expect(dopt_fit(objective, w=dopt_view(w), report=defaults) == DOPT_OK, "fit without options")
        call expect(abs(report%value - defaults%value) <= 0 .and. report%steps == defaults%steps .and. &
                    report%reason == defaults%reason, "the defaults are the library's")
        w = 1
        options%callback = c_null_funptr
        call expect(dopt_lr_search(objective, options, dopt_cview(w), 3, rates, 1, trials, best) == DOPT_OK, "search")
        call expect(best == 1 .and. trials(3)%reason == DOPT_STOP_DIVERGED, "the best of three rates")
        call dopt_objective_destroy(objective)
    end subroutine

    integer(c_int) function bowl(w, batch, value, grad, user) bind(c)
        type(dopt_cmat), value :: w
        type(dopt_batch), intent(in), optional :: batch
        real(c_double), intent(inout) :: value
        type(dopt_mat), value :: grad
        type(c_ptr), value :: user
        real(c_double) :: at(2, 3)
        bowl = merge(DOPT_ERR_INVALID, DOPT_OK, present(batch) .or. c_associated(user))
        call dopt_copy(w, at)
        value = sum((at - goal)**2) / 2
        if (c_associated(grad%data)) call dopt_copy(at - goal, grad)
    end function

    integer(c_int) function on_step(event, user) bind(c)
        type(dopt_event), intent(in) :: event
        type(c_ptr), value :: user
        last_step = event%step
        on_step = merge(1, 0, event%step == 5 .or. c_associated(user))
    end function

    !> The loss of two rows, by hand; an argument that is not wanted is left out.
    subroutine losses()
        type(c_ptr) :: loss = c_null_ptr
        type(dopt_loss_options) :: options
        real(c_double), target :: z(2, 1), y(2, 1), dz(2, 1)
        real(c_double) :: value
        options = dopt_loss_options()
        options%weight = 3
        z(:, 1) = [1.0_c_double, 3.0_c_double]
        y(:, 1) = [0.0_c_double, 1.0_c_double]
        call expect(dopt_loss_create_lp(4.0_c_double, options, loss) == DOPT_OK, "loss")
        call expect(dopt_loss_name(loss) == "lp", "name")
        call expect(abs(dopt_loss_weight(loss) - 3) <= 0, "weight")
        call expect(dopt_loss_eval(loss, dopt_cview(z), dopt_cview(y), value, dopt_view(dz)) == DOPT_OK, "eval")
        call expect(abs(value - 3 * (1 + 16) / 2.0_c_double) < 1e-13_c_double, "value")
        call expect(maxval(abs(dz(:, 1) - [6.0_c_double, 48.0_c_double])) < 1e-13_c_double, "derivative")
        call expect(dopt_loss_eval(loss, dopt_cview(z), dopt_cview(y), dz=dopt_mat_none()) == DOPT_OK, "nothing wanted")
        call dopt_loss_destroy(loss)
    end subroutine
end program
