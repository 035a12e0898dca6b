! SPDX-License-Identifier: MIT
!> Depth as an optimizer, from Fortran: the C library on the arrays that you have, which are column-major and stay so.
!>
!> dopt_view(a) and dopt_cview(a) say to the library where the elements of an array are: real(c_double) or
!> real(c_float), rank 1 (a column) or 2, whole arrays and sections whose columns have no gaps: w, x(1:100, :),
!> x(:, 5:9), y(::2). Nothing is copied. Give arrays the target attribute, above all those that the library keeps a view
!> of (the data of an objective, the weights of a trainer). Results are status codes, DOPT_OK or one of DOPT_ERR_*;
!> dopt_last_error() says what was wrong.
module depthopt
    use, intrinsic :: ieee_arithmetic, only: ieee_value, ieee_positive_inf, ieee_negative_inf
    use depthopt_c
    implicit none
    public
    private :: ieee_value, ieee_positive_inf, ieee_negative_inf
    private :: mat64, mat64_1, mat32, mat32_1, cmat64, cmat64_1, cmat32, cmat32_1, transposed, ctransposed, text, layout
    private :: get64, get32, put64, put32, must_be
    private :: new_net_options, new_e2e_options, new_loss_options, new_objective_options, new_fit_options
    private :: new_circulation_options

    !> View of an array that the library may write.
    interface dopt_view
        module procedure mat64, mat64_1, mat32, mat32_1
    end interface
    !> View of an array that the library only reads.
    interface dopt_cview
        module procedure cmat64, cmat64_1, cmat32, cmat32_1
    end interface
    !> The transpose of a view: nothing is copied.
    interface dopt_transposed
        module procedure transposed, ctransposed
    end interface
    !> dopt_copy(view, a), dopt_copy(a, view): for callbacks, whose views may be column-major or row-major.
    interface dopt_copy
        module procedure get64, get32, put64, put32
    end interface

    ! Options with all defaults.
    interface dopt_net_options
        module procedure new_net_options
    end interface
    interface dopt_e2e_options
        module procedure new_e2e_options
    end interface
    interface dopt_loss_options
        module procedure new_loss_options
    end interface
    interface dopt_objective_options
        module procedure new_objective_options
    end interface
    interface dopt_fit_options
        module procedure new_fit_options
    end interface
    interface dopt_circulation_options
        module procedure new_circulation_options
    end interface

contains

    !> The bare matrix of an array: where its columns are is read off the addresses of its elements.
    function layout(data, second_row, second_column, extents, bytes, dtype) result(m)
        type(c_ptr), intent(in) :: data, second_row, second_column !< of elements (1,1), (2,1), (1,2)
        integer(c_size_t), intent(in) :: extents(2)
        integer, intent(in) :: bytes
        integer(c_int), intent(in) :: dtype
        type(dopt_mat) :: m
        integer(c_intptr_t) :: at(3)
        at = [transfer(data, at), transfer(second_row, at), transfer(second_column, at)]
        m = dopt_mat(data, extents(1), extents(2), 1, max(extents(1), 1_c_size_t), dtype)
        if (extents(1) > 1) m%row_stride = (at(2) - at(1)) / bytes
        if (extents(2) > 1) m%col_stride = (at(3) - at(1)) / bytes
        if (extents(2) == 1 .and. m%row_stride > 1) m%col_stride = 1 ! one column with gaps: rows of length 1
    end function

    function mat64(a) result(m)
        real(c_double), intent(inout), target :: a(:, :)
        type(dopt_mat) :: m
        m = dopt_mat(rows=size(a, 1), cols=size(a, 2))
        if (size(a) > 0) m = layout(c_loc(a(1, 1)), c_loc(a(min(2, size(a, 1)), 1)), c_loc(a(1, min(2, size(a, 2)))), &
                                    shape(a, c_size_t), 8, DOPT_F64)
    end function

    function cmat64(a) result(m)
        real(c_double), intent(in), target :: a(:, :)
        type(dopt_cmat) :: m
        m = dopt_cmat(rows=size(a, 1), cols=size(a, 2))
        if (size(a) > 0) m = dopt_const(layout(c_loc(a(1, 1)), c_loc(a(min(2, size(a, 1)), 1)), &
                                               c_loc(a(1, min(2, size(a, 2)))), shape(a, c_size_t), 8, DOPT_F64))
    end function

    function mat32(a) result(m)
        real(c_float), intent(inout), target :: a(:, :)
        type(dopt_mat) :: m
        m = dopt_mat(rows=size(a, 1), cols=size(a, 2), dtype=DOPT_F32)
        if (size(a) > 0) m = layout(c_loc(a(1, 1)), c_loc(a(min(2, size(a, 1)), 1)), c_loc(a(1, min(2, size(a, 2)))), &
                                    shape(a, c_size_t), 4, DOPT_F32)
    end function

    function cmat32(a) result(m)
        real(c_float), intent(in), target :: a(:, :)
        type(dopt_cmat) :: m
        m = dopt_cmat(rows=size(a, 1), cols=size(a, 2), dtype=DOPT_F32)
        if (size(a) > 0) m = dopt_const(layout(c_loc(a(1, 1)), c_loc(a(min(2, size(a, 1)), 1)), &
                                               c_loc(a(1, min(2, size(a, 2)))), shape(a, c_size_t), 4, DOPT_F32))
    end function

    function mat64_1(a) result(m)
        real(c_double), intent(inout), target :: a(:)
        type(dopt_mat) :: m
        m = dopt_mat(rows=size(a), cols=1)
        if (size(a) > 0) m = layout(c_loc(a(1)), c_loc(a(min(2, size(a)))), c_null_ptr, &
                                    [size(a, kind=c_size_t), 1_c_size_t], 8, DOPT_F64)
    end function

    function cmat64_1(a) result(m)
        real(c_double), intent(in), target :: a(:)
        type(dopt_cmat) :: m
        m = dopt_cmat(rows=size(a), cols=1)
        if (size(a) > 0) m = dopt_const(layout(c_loc(a(1)), c_loc(a(min(2, size(a)))), c_null_ptr, &
                                               [size(a, kind=c_size_t), 1_c_size_t], 8, DOPT_F64))
    end function

    function mat32_1(a) result(m)
        real(c_float), intent(inout), target :: a(:)
        type(dopt_mat) :: m
        m = dopt_mat(rows=size(a), cols=1, dtype=DOPT_F32)
        if (size(a) > 0) m = layout(c_loc(a(1)), c_loc(a(min(2, size(a)))), c_null_ptr, &
                                    [size(a, kind=c_size_t), 1_c_size_t], 4, DOPT_F32)
    end function

    function cmat32_1(a) result(m)
        real(c_float), intent(in), target :: a(:)
        type(dopt_cmat) :: m
        m = dopt_cmat(rows=size(a), cols=1, dtype=DOPT_F32)
        if (size(a) > 0) m = dopt_const(layout(c_loc(a(1)), c_loc(a(min(2, size(a)))), c_null_ptr, &
                                               [size(a, kind=c_size_t), 1_c_size_t], 4, DOPT_F32))
    end function

    !> The same view, read-only.
    pure function dopt_const(m) result(c)
        type(dopt_mat), intent(in) :: m
        type(dopt_cmat) :: c
        c = dopt_cmat(m%data, m%rows, m%cols, m%row_stride, m%col_stride, m%dtype)
    end function

    pure function transposed(m) result(t)
        type(dopt_mat), intent(in) :: m
        type(dopt_mat) :: t
        t = dopt_mat(m%data, m%cols, m%rows, m%col_stride, m%row_stride, m%dtype)
    end function

    pure function ctransposed(m) result(t)
        type(dopt_cmat), intent(in) :: m
        type(dopt_cmat) :: t
        t = dopt_cmat(m%data, m%cols, m%rows, m%col_stride, m%row_stride, m%dtype)
    end function

    !> No matrix, for arguments that may be left out.
    pure function dopt_mat_none() result(m)
        type(dopt_mat) :: m
        m = dopt_mat()
    end function

    !> Copying has no status, and numbers of another size would be read beyond the end.
    subroutine must_be(wanted, dtype)
        integer(c_int), intent(in) :: wanted, dtype
        if (dtype /= wanted) error stop "dopt_copy: view and array are of different types"
    end subroutine

    subroutine get64(m, a)
        type(dopt_cmat), intent(in) :: m
        real(c_double), intent(inout) :: a(m%rows, m%cols)
        real(c_double), pointer :: from(:)
        integer(c_ptrdiff_t) :: j, first
        call must_be(DOPT_F64, m%dtype)
        call c_f_pointer(m%data, from, [(m%rows - 1) * m%row_stride + (m%cols - 1) * m%col_stride + 1])
        do j = 1, m%cols
            first = 1 + (j - 1) * m%col_stride
            a(:, j) = from(first:first + (m%rows - 1) * m%row_stride:m%row_stride)
        end do
    end subroutine

    subroutine get32(m, a)
        type(dopt_cmat), intent(in) :: m
        real(c_float), intent(inout) :: a(m%rows, m%cols)
        real(c_float), pointer :: from(:)
        integer(c_ptrdiff_t) :: j, first
        call must_be(DOPT_F32, m%dtype)
        call c_f_pointer(m%data, from, [(m%rows - 1) * m%row_stride + (m%cols - 1) * m%col_stride + 1])
        do j = 1, m%cols
            first = 1 + (j - 1) * m%col_stride
            a(:, j) = from(first:first + (m%rows - 1) * m%row_stride:m%row_stride)
        end do
    end subroutine

    subroutine put64(a, m)
        type(dopt_mat), intent(in) :: m
        real(c_double), intent(in) :: a(m%rows, m%cols)
        real(c_double), pointer :: to(:)
        integer(c_ptrdiff_t) :: j, first
        call must_be(DOPT_F64, m%dtype)
        call c_f_pointer(m%data, to, [(m%rows - 1) * m%row_stride + (m%cols - 1) * m%col_stride + 1])
        do j = 1, m%cols
            first = 1 + (j - 1) * m%col_stride
            to(first:first + (m%rows - 1) * m%row_stride:m%row_stride) = a(:, j)
        end do
    end subroutine

    subroutine put32(a, m)
        type(dopt_mat), intent(in) :: m
        real(c_float), intent(in) :: a(m%rows, m%cols)
        real(c_float), pointer :: to(:)
        integer(c_ptrdiff_t) :: j, first
        call must_be(DOPT_F32, m%dtype)
        call c_f_pointer(m%data, to, [(m%rows - 1) * m%row_stride + (m%cols - 1) * m%col_stride + 1])
        do j = 1, m%cols
            first = 1 + (j - 1) * m%col_stride
            to(first:first + (m%rows - 1) * m%row_stride:m%row_stride) = a(:, j)
        end do
    end subroutine

    function text(s) result(t)
        type(c_ptr), intent(in) :: s
        character(:), allocatable :: t
        character(kind=c_char), pointer :: letters(:)
        integer :: i
        interface
            integer(c_size_t) function c_strlen(s) bind(c, name="strlen")
                import
                type(c_ptr), value :: s
            end function
        end interface
        call c_f_pointer(s, letters, [c_strlen(s)])
        allocate (character(len=size(letters)) :: t)
        do i = 1, size(letters)
            t(i:i) = letters(i)
        end do
    end function

    !> This thread's last failure, one line: function, argument, value, allowed range.
    function dopt_last_error() result(t)
        character(:), allocatable :: t
        t = text(dopt_last_error_c())
    end function

    function dopt_status_string(status) result(t)
        integer(c_int), intent(in) :: status
        character(:), allocatable :: t
        t = text(dopt_status_string_c(status))
    end function

    function dopt_version() result(t)
        character(:), allocatable :: t
        t = text(dopt_version_c())
    end function

    function dopt_loss_name(loss) result(t)
        type(c_ptr), intent(in) :: loss
        character(:), allocatable :: t
        t = text(dopt_loss_name_c(loss))
    end function

    function dopt_optim_kind_name(kind) result(t)
        integer(c_int), intent(in) :: kind
        character(:), allocatable :: t
        t = text(dopt_optim_kind_name_c(kind))
    end function

    function dopt_hyper_name(hyper) result(t)
        integer(c_int), intent(in) :: hyper
        character(:), allocatable :: t
        t = text(dopt_hyper_name_c(hyper))
    end function

    function dopt_stop_reason_string(reason) result(t)
        integer(c_int), intent(in) :: reason
        character(:), allocatable :: t
        t = text(dopt_stop_reason_string_c(reason))
    end function

    function new_net_options() result(o)
        type(dopt_net_options) :: o
        o%struct_size = c_sizeof(o)
    end function

    function new_e2e_options() result(o)
        type(dopt_e2e_options) :: o
        o%struct_size = c_sizeof(o)
    end function

    function new_loss_options() result(o)
        type(dopt_loss_options) :: o
        o%struct_size = c_sizeof(o)
    end function

    function new_objective_options() result(o)
        type(dopt_objective_options) :: o
        o%struct_size = c_sizeof(o)
    end function

    function new_fit_options() result(o)
        type(dopt_fit_options) :: o
        o%struct_size = c_sizeof(o)
        o%target = ieee_value(o%target, ieee_negative_inf)
        o%max_seconds = ieee_value(o%max_seconds, ieee_positive_inf)
    end function

    function new_circulation_options() result(o)
        type(dopt_circulation_options) :: o
        o%struct_size = c_sizeof(o)
    end function
end module
