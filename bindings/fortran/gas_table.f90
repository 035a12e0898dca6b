! SPDX-License-Identifier: MIT
!> The table of the tutorial: the UCI gas sensors of a file, or a simulated one; standardised.
module gas_table
    use, intrinsic :: iso_c_binding, only: c_double, c_int, c_int64_t
    use depthopt
    implicit none
    private
    public :: load

contains

    !> From the file named on the command line, unpacked, or else simulated.
    subroutine load(x, y)
        real(c_double), allocatable, intent(out) :: x(:, :), y(:)
        character(len=4096) :: file
        integer :: j
        if (command_argument_count() > 0) then
            call get_command_argument(1, file)
            call read_file(trim(file), x, y)
        else
            call simulate(x, y)
        end if
        do j = 1, size(x, 2)
            call standardise(x(:, j))
        end do
        call standardise(y)
    end subroutine

    !> Lines of "class;concentration 1:v 2:v ... 128:v".
    subroutine read_file(file, x, y)
        character(len=*), intent(in) :: file
        real(c_double), allocatable, intent(out) :: x(:, :), y(:)
        character(len=8192) :: line
        real(c_double) :: numbers(2 + 2 * 128)
        integer :: unit, m, i, at, failed
        open (newunit=unit, file=file, action="read", status="old")
        m = 0
        do
            read (unit, "(a)", iostat=failed) line
            if (failed /= 0) exit
            m = m + 1
        end do
        rewind (unit)
        allocate (x(m, 128), y(m))
        do i = 1, m
            read (unit, "(a)") line
            do at = 1, len_trim(line)
                if (index(";:", line(at:at)) > 0) line(at:at) = " "
            end do
            read (line, *) numbers
            y(i) = numbers(2)
            x(i, :) = numbers(4::2)
        end do
        close (unit)
    end subroutine

    !> Features share their first draw; the target is a difference of two of them, and noise.
    subroutine simulate(x, y)
        real(c_double), allocatable, intent(out) :: x(:, :), y(:)
        real(c_double), target :: z(500, 12)
        type(dopt_rng) :: rng
        integer(c_int) :: status
        rng = dopt_rng_init(2018_c_int64_t, 0_c_int64_t)
        status = dopt_rng_fill_normal(rng, dopt_view(z), 1.0_c_double)
        if (status /= DOPT_OK) error stop "random numbers"
        x = z(:, 2:11) + spread(z(:, 1), 2, 10)
        y = x(:, 1) - 2 * x(:, 2) + 0.1_c_double * z(:, 12)
    end subroutine

    !> Mean 0, variance 1.
    subroutine standardise(a)
        real(c_double), intent(inout) :: a(:)
        a = a - sum(a) / size(a)
        a = a / sqrt(sum(a**2) / size(a))
    end subroutine
end module
