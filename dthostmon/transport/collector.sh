#!/bin/sh
# dthostmon-collect: answers what dthostmon asks about files, and can do nothing else: no request writes, runs or
# evaluates anything. A POSIX shell with the tools of GNU or busybox is enough.
#
# As a key's forced command it speaks on its standard input and output, whatever the client asked to run:
#     restrict,command="/usr/local/lib/dthostmon/dthostmon-collect" ssh-ed25519 AAAA... dthostmon
#
# It greets with a line, and reads `hello BOUNDARY` or `hello BOUNDARY owners`: 32 hexadecimal digits that are new each
# time, and whether the answer to stat shall end with the numbers of the file's user and group. Then it reads requests,
# one a line, and answers them in order until its input ends:
#     stat PATH   list PATH   read PATH OFFSET LENGTH   usage PATH   link PATH
# In a path the bytes other than letters, digits and _ . / - are written \0NNN. An answer is its body, a newline, and
#     BOUNDARY NUMBER ok WORDS...      or      BOUNDARY NUMBER error REASON
# so nothing that a file holds or a login script prints can pass for one. The numbers count the requests, hello is 0.

newline='
'

main() {
    exec 5<&0 </dev/null 2>/dev/null
    set -f
    ulimit -f 0       # the kernel itself refuses what would write to a file
    ulimit -v 2097152 # a request without end does not take all memory
    unset boundary number file told limit more
    LC_ALL=C
    PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
    export LC_ALL PATH
    boundary=${1-} more=${2-}
    if [ -z "$boundary" ]; then
        # It makes an SFTP client that has come here give up at once: one waits for an answer to its own greeting.
        echo 'dthostmon-collect 1'
        read -r verb boundary more rest <&5
    fi
    looks='%f %s %Y %i'
    if [ "$more" = owners ]; then looks="$looks %u %g"; fi
    case $boundary in *[!0-9a-f]*) exit 2 ;; esac
    [ "${#boundary}" -eq 32 ] || exit 2
    number=0
    know_tools
    while read -r verb word offset length rest <&5; do
        number=$((number + 1))
        file=$(printf '%b.' "$word")
        file=${file%.}
        case $file in /*) ;; *) file=./$file ;; esac
        case $verb in
        stat) tell stat -L -c "$looks" ;;
        usage) tell stat -f -c '%S %b %f %a %c %d' ;;
        link) tell_link ;;
        list) send_list ;;
        read) send_bytes "$offset" "$length" ;;
        *) answer error unknown request ;;
        esac
    done
}

answer() {
    printf '\n%s %s %s\n' "$boundary" "$number" "$*"
}

# A file may lie on a mount that hangs. The timeout of busybox lets a process of its own linger, so it is not used.
know_tools() {
    limit=
    if timeout --version >/dev/null; then limit='timeout -k 1 10'; fi
    exact=
    if dd if=/dev/null bs=65536 count=1 iflag=skip_bytes,count_bytes,fullblock; then exact=yes; fi
    if stat -L -c %i / >/dev/null; then
        answer ok dthostmon-collect 1
    else
        answer error its stat knows no -c as those of GNU and busybox do
    fi
}

# Runs a tool with the file as its last argument; what it prints are the words of the answer. Of what it complains
# about only the last words count, which are the system's reason.
tell() {
    if told=$($limit "$@" -- "$file" 2>&1); then
        answer ok "$told"
    else
        answer error "${told##*: }"
    fi
}

refuse() {
    if told=$($limit stat -L -c %i -- "$file" 2>&1); then told=$1; fi
    answer error "${told##*: }"
}

tell_link() {
    if told=$($limit readlink -n -- "$file" && echo .); then
        printf '%s' "${told%.}"
        answer ok
    else
        refuse 'Invalid argument'
    fi
}

# Entries are `MODE SIZE MTIME NAME` and a NUL. find starts one shell for some thousand names; where one of them has
# gone meanwhile, the others are looked at one by one.
entries='
if told=$(stat -c "%f %s %Y" -- "$@"); then
    printf "%s\n" "$told" | while read -r line; do
        printf "%s %s\0" "$line" "${1#./}"
        shift
    done
else
    for name do
        if told=$(stat -c "%f %s %Y" -- "$name"); then printf "%s %s\0" "$told" "${name#./}"; fi
    done
fi
exit 0'

send_list() {
    if [ ! -d "$file" ]; then
        refuse 'Not a directory'
    elif [ ! -r "$file" ] || [ ! -x "$file" ]; then
        answer error Permission denied
    else
        { code=$({ (
            cd "$file" && $limit find . ! -name . -prune -exec /bin/sh -c "$entries" sh {} + 3>&- 4>&-
            echo "$?" >&3
        ) | head -c 16777216 >&4 3>&-; } 3>&1); } 4>&1
        case $code in
        0 | 1) answer ok ;;
        124 | 137) answer error it takes too long ;;
        *) answer error "find ended with status $code" ;;
        esac
    fi
}

# Only regular files are opened: a FIFO or a device would wait, or do something.
send_bytes() {
    if ! is_number "$1" || ! is_number "$2"; then
        answer error unknown request
    elif [ ! -f "$file" ]; then
        refuse 'not a regular file'
    elif [ "$exact" ]; then
        { told=$({ $limit dd if="$file" bs=65536 iflag=skip_bytes,count_bytes,fullblock skip="$1" count="$2" \
            2>&3 >&4 3>&- 4>&-; } 3>&1); } 4>&1
        # shellcheck disable=SC2181 # the assignment is inside the braces
        if [ "$?" = 0 ]; then answer ok "${told##*"$newline"}"; else complain; fi
    else
        # tail gets no more than it must pass on: it would read all before its offset. head ends dd in time.
        { told=$({ $limit dd if="$file" bs=4096 skip="$(($1 / 4096))" 2>&3 3>&- 4>&- |
            tail -c "+$(($1 % 4096 + 1))" 3>&- 4>&- | head -c "$2" >&4 3>&-; } 3>&1); } 4>&1
        case $told in *': '*) complain ;; *) answer ok ;; esac
    fi
}

is_number() {
    case $1 in '' | *[!0-9]* | 0?* | ????????????????*) return 1 ;; esac
}

# Says what dd complained about, which is in its first line.
complain() {
    told=${told%%"$newline"*}
    answer error "${told##*: }"
}

main "$@"
