"""What a host may write to wear its monitor down, one kind of attack each."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from made_logs import heads, syslog, words

from dthostmon.rules import Rule, RuleSet

LONG_LINE_BYTES = 1_000_000
REPEATS = (1, 30, 300, 3000)
HEADER_SHARE = 0.7

Lines = Iterator[bytes]

MASKS = (
    "<*>",
    "<*",
    "*>",
    "<<*>>",
    "<:IP:>",
    "<NUM>",
    "{}",
    "%s",
    "(a line of a kind",
    "t-0123456789ab",
    "[cut: 9 bytes",
)
HEADERS = (
    "Jul 10 00:00:00 web1 sshd[1]: ",
    '<34>1 2026-07-10T00:00:00Z web1 su 1 ID47 [a@1 b="c"] ',
    "2026-07-10T00:00:00.000000+00:00 web1 kernel: [    1.0] ",
    "[Fri Jul 10 00:00:00 2026] ",
    "message repeated 999999999 times: [ ",
    '{"time":"2026-07-10T00:00:00Z","log":"',
    'level=error msg="',
    '192.0.2.1 - - [10/Jul/2026:00:00:00 +0000] "GET / HTTP/1.1" 500 1 "',
    "2026-07-10 00:00:00.000 UTC [1] postgres@app ERROR:  ",
    "Traceback (most recent call last):",
)
OPENERS = ("'", '"', "(", "[", "{", "<", "user='", '="', '[a b="', "msg='", '\\"', "`")
PIECES = (
    "a.", "=", "a=", "/", "user ", " for ", " from ", "$ ", "port ", "COMMAND=", ": ", "::", "- ", "0", "0.", "0 ",
    "0-", "aA", "\t", " ", "\\", "\\x", "%", "é", "@", "a@", "?a=", "&", "key=value ", "failed ",
    "error: ", "at a.b.C(D.java:1) ",
)  # fmt: skip
BINARY = (b"\0", b"\x1b[31m", b"\x1b[", b"\x1b]0;", b"\r", b"\xff", b"\xc3", b"\xe2\x80\xae", b"\x9b", b"\x08", b"\x7f")


def flood(chance: random.Random) -> Lines:
    """Yield distinct lines, none of the form of another."""
    word = words(chance)
    for head in heads():
        yield f"{head} {word()}: {' '.join([word() for _ in range(2 + int(chance.random() * 12))])}\n".encode()


def flood_for_rules(chance: random.Random) -> Lines:
    """Yield distinct lines that rules speak of, each with its own user, address and device."""
    forms = (
        "sshd[#]: Failed password for invalid user $ from @ port # ssh2",
        "sshd[#]: Accepted password for $ from @ port # ssh2",
        "sudo:     $ : 3 incorrect password attempts ; TTY=pts/# ; PWD=/home/$ ; USER=root ; COMMAND=/bin/$",
        "systemd[1]: $.service: Main process exited, code=exited, status=#/FAILURE",
        "kernel: [#.#] $[#]: segfault at # ip # sp # error 4 in $[#+#]",
        "kernel: [#.#] Out of memory: Killed process # ($) total-vm:#kB, anon-rss:#kB",
    )
    return syslog(forms, chance)


def flood_of_numbers(chance: random.Random) -> Lines:
    """Yield lines of one form whose numbers are of every length, so that hardly two have one key."""
    draw = chance.random
    for head in heads():
        numbers = " ".join([str(int(10 ** (draw() * 18))) for _ in range(12)])
        yield f"{head} app[{int(10 ** (draw() * 6))}]: {numbers}\n".encode()


def near_misses(chance: random.Random, rules: RuleSet) -> Lines:
    """Yield lines that hold what rules look for and then fail them as late as they can."""
    rules_in_turn = list(rules.rules)
    clock = heads()
    while True:
        chance.shuffle(rules_in_turn)
        for rule in rules_in_turn:
            yield f"{next(clock)} {_program(rule)}: {_near_miss(chance.choice(_texts(rule)), chance)}\n".encode()


def repeated_pieces(chance: random.Random) -> Lines:
    """Yield what expressions backtrack over: one piece very often, between the words that they begin and end with."""
    return _under_headers(chance, lambda: chance.choice(PIECES) * chance.choice(REPEATS) + chance.choice(PIECES))


def open_quotes(chance: random.Random) -> Lines:
    """Yield quotes and brackets that nothing closes."""
    word = words(chance)
    return _under_headers(
        chance, lambda: "".join([chance.choice(OPENERS) + word() for _ in range(chance.choice((1, 10, 100)))])
    )


def like_masks(chance: random.Random) -> Lines:
    """Yield text that looks like what this program puts in the place of a parameter."""
    word = words(chance)
    return _under_headers(
        chance, lambda: " ".join([chance.choice((*MASKS, word())) for _ in range(chance.choice((3, 12, 60)))])
    )


def fake_headers(chance: random.Random) -> Lines:
    """Yield headers within headers, each with the look of a line of its own."""
    word = words(chance)

    def line() -> str:
        mark = chance.choice(("", "\r", "\x1b[2K", "\\n", "\u2028"))
        return "".join([chance.choice(HEADERS) + mark for _ in range(chance.choice((1, 3, 12)))]) + word()

    return _under_headers(chance, line)


def binary(chance: random.Random) -> Lines:
    """Yield NUL holes, terminal sequences, invalid UTF-8 and sheer noise."""
    for head in heads():
        noise = chance.randbytes(60).replace(b"\n", b"")
        junk = b"".join([chance.choice(BINARY) * chance.choice((1, 1, 1, 40)) for _ in range(12)])
        yield head.encode() + b" sshd[1]: " + chance.choice((noise, junk, noise + junk, bytes(4096) + noise)) + b"\n"


def long_lines(chance: random.Random) -> Lines:
    """Yield lines of a megabyte."""
    return lines_of(LONG_LINE_BYTES, chance)


def lines_of(length: int, chance: random.Random) -> Lines:
    """Yield lines of a length: random words between pieces that expressions backtrack over."""
    word = words(chance)
    stock = "".join([word() + chance.choice((*PIECES, *OPENERS, " ", " ")) for _ in range(20_000)]).encode()
    stock *= 1 + length // len(stock)
    for head in heads():
        place = int(chance.random() * 10_000)
        line = f"{head} app[1]: ".encode() + stock[place:]
        yield (line + stock[:place])[: length - 1].replace(b"\n", b" ") + b"\n"


def tiny_lines(chance: random.Random) -> Lines:
    """Yield lines of hardly a byte."""
    while True:
        yield chance.choice((b"\n", b"a\n", b"{\n", b"\t\n", b"0\n", b"\r\n"))


def endless_traceback(chance: random.Random) -> Lines:
    """Yield a record that goes on with every line."""
    word = words(chance)
    yield b"Traceback (most recent call last):\n"
    while True:
        yield f'  File "/srv/{word()}.py", line {int(chance.random() * 1000)}, in {word()}\n'.encode()
        yield f"\tat org.example.{word()}.{word()}({word()}.java:{int(chance.random() * 1000)})\n".encode()


def nested_json(chance: random.Random) -> Lines:
    """Yield objects within objects, whole and torn off, and pairs without an end."""
    word = words(chance)
    while True:
        depth = chance.choice((3, 40, 400))
        opened = "".join([f'{{"{word()}":' for _ in range(depth)])
        closed = "1" + "}" * chance.choice((depth, depth - 1))
        pairs = " ".join([f'{word()}="{word()}' for _ in range(depth)])
        yield f"{chance.choice((opened, opened + closed, pairs))}\n".encode()


def all_kinds(rules: RuleSet) -> Mapping[str, Callable[[random.Random], Lines]]:
    """Return the kinds of attack by name."""
    return {
        "flood of distinct lines": flood,
        "flood of lines for rules": flood_for_rules,
        "numbers of every length": flood_of_numbers,
        "near misses of rules": lambda chance: near_misses(chance, rules),
        "repeated pieces": repeated_pieces,
        "open quotes and brackets": open_quotes,
        "text like masks": like_masks,
        "headers within headers": fake_headers,
        "NUL, ANSI, binary": binary,
        "lines of 1 MB": long_lines,
        "lines of a byte": tiny_lines,
        "traceback without end": endless_traceback,
        "nested JSON": nested_json,
    }


def _under_headers(chance: random.Random, text: Callable[[], str]) -> Lines:
    """Yield texts, most of them under the header of a program that has rules."""
    for head in heads():
        program = chance.choice(("sshd[1]: ", "kernel: ", "sudo: ", "systemd[1]: ", "app: "))
        header = f"{head} {program}" if chance.random() < HEADER_SHARE else ""
        yield (header + text()).replace("\n", " ").encode() + b"\n"


def _program(rule: Rule) -> str:
    return next((program for program in rule.programs if program), "app")


def _texts(rule: Rule) -> Sequence[str]:
    return [text.split("\n")[0] for text in (*rule.matching_samples, *rule.contains) if text] or ["a"]


def _near_miss(text: str, chance: random.Random) -> str:
    cut = 1 + int(chance.random() * len(text))
    ways = (
        lambda: text[:cut] + text[cut:] * 40,
        lambda: text[:cut] * 40 + text[cut:],
        lambda: text.replace(" ", " " * 100),
        lambda: text[:cut] + chance.choice(PIECES) * 900,
        lambda: text[:cut] + chance.choice(PIECES) * 300 + text[cut:] + "\x01",
    )
    return chance.choice(ways)()
