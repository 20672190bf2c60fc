"""The shell text that tells who may come in, and who did.

It prints `=locked USER` or `=open USER` for each line of /etc/shadow, `=key USER:PATH` for a file of authorized keys
that is not empty, `=closed USER:PATH` for one that this user may not see, `=sudo PATH` and `=closed sudo:PATH` alike,
then the lines of these files as `PATH:LINE`, and none of one that is too large. A line of a file has a path in front,
so it passes for nothing else. Last come the logins, below `=logins`; `=told` ends them. No hash of a password is
printed, and no service of names is asked.
"""

CANARY = "/proc/version"  # read with the files: where its line is missing, nothing was read
LARGEST_KILOBYTES = 256  # of a file of keys or rules: whoever has an account may make one of any size
DEFAULT_KEY_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")
SUDO_FILES = ("/etc/sudoers", "/usr/etc/sudoers")
SUDO_FOLDERS = ("/etc/sudoers.d", "/usr/etc/sudoers.d")
MOST_LOGINS = 60

# In `=locked`: a hash of no password begins with one of these.
_PATHS = r"""
function filled(text, mark, value,   pieces, count, i, out) {
count = split(text, pieces, mark); out = pieces[1]
for (i = 2; i <= count; i++) out = out value pieces[i]
return out
}
BEGIN { patterns[".ssh/authorized_keys"]; patterns[".ssh/authorized_keys2"] }
config {
sub(/^[ \t]+/, "")
if (tolower($0) !~ /^authorizedkeysfile[ \t=]/) next
sub(/^[^ \t=]+[ \t=]+/, ""); gsub(/"/, "")
count = split($0, words, /[ \t]+/)
for (i = 1; i <= count && words[i] !~ /^#/; i++) if (words[i] != "none" && words[i] != "") patterns[words[i]]
next
}
shadow { print ($2 ~ /^[!*]/ ? "=locked " : "=open ") $1; next }
/^[^+#-]/ && NF >= 7 && $6 ~ /^\// {
home = $6; sub(/\/+$/, "", home)
for (pattern in patterns) {
path = filled(filled(pattern, "%u", $1), "%h", home)
if (path ~ /%/) continue
print $1 ":" (path ~ /^\// ? path : home "/" path)
}
}
"""

# A file in a folder that may not be searched is one that may be there. Only files of a bounded size are read, and no
# pipes: those belong to whoever has an account.
_FILES = rf"""hidden() {{
up=$1
while up=${{up%/*}}; test "$up" && ! test -e "$up"; do :; done
test "$up" && ! test -x "$up"
}}
told() {{ printf '%s\n' "$1"; }}
set --
for file in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do test -r "$file" && set -- "$@" "$file"; done
set -- "$@" config= FS=:
test -r /etc/shadow && set -- "$@" shadow=1 /etc/shadow
found=$(awk '{_PATHS}' config=1 "$@" shadow= /etc/passwd)
set -- {CANARY}
for file in {" ".join(SUDO_FILES)} {" ".join(f"{folder}/*" for folder in SUDO_FOLDERS)}; do
if test -r "$file"; then test -s "$file" && told "=sudo $file" && set -- "$@" "$file"
elif test -e "$file" || hidden "$file"; then told "=closed sudo:$file"
fi
done
for folder in {" ".join(SUDO_FOLDERS)}; do test -d "$folder" && ! test -r "$folder" && told "=closed sudo:$folder"; done
set -f
IFS='
'
for line in $found; do
path=${{line#*:}}
case $line in
=*) told "$line" ;;
*) if test -r "$path"; then test -f "$path" && test -s "$path" && told "=key $line" && set -- "$@" "$path"
elif test -e "$path" || hidden "$path"; then told "=closed $line"
fi ;;
esac
done
find -L "$@" -maxdepth 0 -type f -size -{2 * LARGEST_KILOBYTES + 1} -exec grep -aH '' '{{}}' +
"""

_LOGINS = f"""echo =logins
last -w -a -n {MOST_LOGINS} --time-format iso && echo =told
"""

ACCOUNTS = _FILES + _LOGINS
