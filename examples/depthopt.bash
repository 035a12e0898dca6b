# SPDX-License-Identifier: MIT
# Bash completion for depthopt and its programs. Options are read from their --help, so they cannot differ from it.

_depthopt()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=("${COMP_WORDS[0]}") help value
    COMPREPLY=()
    if [[ ${command[0]##*/} == depthopt ]]; then
        if ((COMP_CWORD == 1)); then
            mapfile -t COMPREPLY < <(compgen -W "$("${command[0]}" --list 2>/dev/null) --help --list --version" -- "$current")
            return
        fi
        command+=("${COMP_WORDS[1]}")
    fi
    help=$("${command[@]}" --help 2>/dev/null) || return
    value=$(sed -n "s/^  $previous \([A-Z]*\).*/\1/p" <<<"$help")
    case $value in
    FILE | '') mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    esac
    if [[ $current == -* || -z $current && -z $value ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^  \(--[a-z-]*\).*/\1/p' <<<"$help")" -- "$current")
    fi
}
complete -o filenames -F _depthopt depthopt lp_regression lp_regression_mpi npy_regression mnist_cnn
