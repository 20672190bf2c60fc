"""Stories of how hosts break: what was there, what somebody changed, and what logs and services say then."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from tests import parts
from tests.fixtures.admins_host import AdminsHost

SYSLOG = "/var/log/syslog"
AUTH_LOG = "/var/log/auth.log"
NGINX_LOG = "/var/log/nginx/error.log"
LOGS = (SYSLOG, AUTH_LOG, NGINX_LOG)
FILES = (
    *("/etc/*", "/etc/cron.d/*", "/etc/ssh/*", "/etc/sudoers.d/*", "/etc/logrotate.d/*", "/etc/sysctl.d/*"),
    *(
        "/etc/nginx/*",
        "/etc/nginx/*/*",
        "/etc/php/*/fpm/pool.d/*",
        "/etc/app/*",
        "/etc/postfix/*",
        "/opt/*/compose.yaml",
    ),
    *(
        "/etc/default/*",
        "/etc/systemd/system/*.service",
        "/etc/systemd/system/*.d/*",
        "/etc/postgresql/*/*/*",
        "/etc/fail2ban/*",
        "/root/.bash_history",
    ),
)
Act = Callable[[AdminsHost, datetime], None]


@dataclass(frozen=True)
class Story:
    """`before` is what was there; `cause` is done at a time, and what `breaks` shows at a later one.

    `findings` are the beginnings of the kinds, with a part of the title, of the findings that tell of it; the cause of
    each is a change of one of `causes`: its kind, and a part of what is said of it.
    """

    name: str
    before: Callable[[AdminsHost], None]
    cause: Act
    breaks: Act
    findings: tuple[tuple[str, str], ...]
    causes: tuple[tuple[str, str], ...]


def syslog(when: datetime, program: str, text: str) -> str:
    """Write a line as rsyslog does."""
    return f"{when:%Y-%m-%dT%H:%M:%S.%f+00:00} web1 {program}: {text}"


def unit(host: AdminsHost, name: str, command: str, more: str = "") -> None:
    """Put a service there that is on, and start it."""
    host.unit(name, f"[Service]\nExecStart={command}\n{more}\n[Install]\nWantedBy=multi-user.target\n")
    host("systemctl", "enable", "--quiet", name)
    host("systemctl", "start", name)


def restart(host: AdminsHost, name: str) -> None:
    """Restart a service that fails, and wait until it did."""
    failed = f"systemctl is-failed --quiet {name}"
    wait = f"n=0; until {failed} || [ $n = 200 ]; do sleep 0.05; n=$((n+1)); done; {failed}"
    host("sh", "-c", f"systemctl restart {name}; {wait}")


def nothing(_host: AdminsHost) -> None:
    """Need nothing that is not there."""


# an edit of nginx.conf

NGINX_CONF = "user www-data;\nworker_processes auto;\nhttp {\n    include /etc/nginx/sites-enabled/*;\n}\n"


def _nginx(host: AdminsHost) -> None:
    host.write("/etc/nginx/nginx.conf", NGINX_CONF)
    host.packages({"nginx": "1.22.1-9"})
    unit(host, "nginx.service", "/bin/sh -c 'grep -q proces. /etc/nginx/nginx.conf && exec sleep 1000'")


def _edit_nginx(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/nginx/nginx.conf", "worker_processes", "worker_proceses", when)
    host.edit("/etc/nginx/nginx.conf", "proceses", "proc", when)


def _nginx_fails(host: AdminsHost, when: datetime) -> None:
    restart(host, "nginx.service")
    host.log(
        SYSLOG,
        syslog(when, "nginx[4711]", 'nginx: [emerg] unknown directive "worker_proc" in /etc/nginx/nginx.conf:2'),
        syslog(when, "nginx[4711]", "nginx: configuration file /etc/nginx/nginx.conf test failed"),
        syslog(when, "systemd[1]", "nginx.service: Control process exited, code=exited, status=1/FAILURE"),
        syslog(when, "systemd[1]", "nginx.service: Failed with result 'exit-code'."),
        syslog(when, "systemd[1]", "Failed to start nginx.service - A high performance web server."),
    )


# an edit of sshd_config


def _sshd(host: AdminsHost) -> None:
    host.write("/etc/ssh/sshd_config", "PermitRootLogin no\nPasswordAuthentication no\n")


def _edit_sshd(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/ssh/sshd_config", "PermitRootLogin no\n", "PermitRootLogin no\nAllowUsers deploy\n", when)


def _logins_refused(host: AdminsHost, when: datetime) -> None:
    for second in range(6):
        host.log(
            AUTH_LOG,
            syslog(
                when + timedelta(seconds=second),
                f"sshd[{900 + second}]",
                "User ann from 192.0.2.5 not allowed because not listed in AllowUsers",
            ),
            syslog(
                when + timedelta(seconds=second),
                f"sshd[{900 + second}]",
                "Connection closed by invalid user ann 192.0.2.5 port 51122 [preauth]",
            ),
        )


# /var filled by one log


def _app_logs(host: AdminsHost) -> None:
    host.write("/etc/app/logging.ini", "[log]\nlevel = WARNING\nfile = /dev/null\n")
    host.disk = ("/var", 40)


def _log_all(host: AdminsHost, when: datetime) -> None:
    host.write("/etc/app/logging.ini", "[log]\nlevel = DEBUG\nfile = /var/log/app/debug.log\n", when)


def _var_is_full(host: AdminsHost, when: datetime) -> None:
    host.disk = ("/var", 97)
    host.log(
        SYSLOG,
        syslog(
            when,
            "rsyslogd",
            "file '/var/log/syslog'[7] write error - see https://www.rsyslog.com/solving-rsyslog-write-errors/ for"
            " help OS error: No space left on device [v8.2302.0 try https://www.rsyslog.com/e/2027 ]",
        ),
    )


# an upgrade of a package that crashes


def _imagesvc(host: AdminsHost) -> None:
    run = "#!/bin/sh\nexec sleep 1000\n"
    host.install("imagesvc", "1.4.0", {"/opt/imagesvc/bin/imagesvc": run, "/etc/default/imagesvc": "WORKERS=4\n"})
    unit(host, "imagesvc.service", "/opt/imagesvc/bin/imagesvc")


def _upgrade_imagesvc(host: AdminsHost, _when: datetime) -> None:
    run = "#!/bin/sh\nkill -SEGV $$\n"
    host.install("imagesvc", "2.0.0", {"/opt/imagesvc/bin/imagesvc": run, "/etc/default/imagesvc": "WORKERS=4\n"})


def _imagesvc_crashes(host: AdminsHost, when: datetime) -> None:
    restart(host, "imagesvc.service")
    host.log(
        SYSLOG,
        syslog(
            when,
            "kernel",
            "[86400.123456] imagesvc[4711]: segfault at 0 ip 000055d0c0a01136 sp 00007ffc1c1a2c90 error 4 in"
            " imagesvc[55d0c0a01000+1000] likely on CPU 1 (core 1, socket 0)",
        ),
        syslog(when, "systemd[1]", "imagesvc.service: Main process exited, code=dumped, status=11/SEGV"),
        syslog(when, "systemd[1]", "imagesvc.service: Failed with result 'core-dump'."),
    )


# a new user with a key, and a login


def _make_eve(host: AdminsHost, when: datetime) -> None:
    host(parts.program("useradd"), "--create-home", "--shell", "/bin/bash", "eve")
    key = host.folder / "key"
    subprocess.run([parts.program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    host.write("/home/eve/.ssh/authorized_keys", Path(f"{key}.pub").read_text(), when)


def _eve_logs_in(host: AdminsHost, when: datetime) -> None:
    shown = subprocess.run(
        [parts.program("ssh-keygen"), "-lf", str(host.folder / "key")], check=True, capture_output=True, text=True
    ).stdout
    host.log(
        AUTH_LOG,
        syslog(
            when,
            "sshd[777]",
            f"Accepted publickey for eve from 203.0.113.66 port 40022 ssh2: ED25519 {shown.split()[1]}",
        ),
        syslog(when, "sshd[777]", "pam_unix(sshd:session): session opened for user eve(uid=1001) by (uid=0)"),
        syslog(
            when, "sudo", "     eve : user NOT in sudoers ; TTY=pts/1 ; PWD=/home/eve ; USER=root ; COMMAND=/bin/bash"
        ),
    )


# an image that ends again and again


def _shop(host: AdminsHost) -> None:
    host.write("/opt/shop/compose.yaml", "services:\n  web:\n    image: registry.example.org/shop:1.8\n")
    host.container("db", "postgres:16", "running", files="/opt/db/compose.yaml")
    host.container("shop-web-1", "registry.example.org/shop:1.8", "running", files="/opt/shop/compose.yaml")


def _bump(host: AdminsHost, when: datetime) -> None:
    host.edit("/opt/shop/compose.yaml", "shop:1.8", "shop:2.0", when)
    host.container("shop-web-1", "registry.example.org/shop:2.0", "running", files="/opt/shop/compose.yaml")
    host.container("db", "postgres:16", "exited", files="/opt/db/compose.yaml")
    host.container("db", "postgres:16", "running", files="/opt/db/compose.yaml")


def _shop_restarts(host: AdminsHost, when: datetime) -> None:
    host.container("shop-web-1", "registry.example.org/shop:2.0", "restarting", 9, "/opt/shop/compose.yaml")
    for second in range(4):
        at = when + timedelta(seconds=second)
        text = (
            f'time="{at:%Y-%m-%dT%H:%M:%S.%fZ}" level=info msg="ignoring event" container=73686f702d77'
            " module=libcontainerd"
            ' namespace=moby topic=/tasks/delete type="*events.TaskDelete"'
        )
        host.log(SYSLOG, syslog(at, "dockerd[612]", text))


# a certificate that ended


def _certificate(host: AdminsHost, days: int, when: datetime | None = None) -> None:
    authority = trustme.CA()
    ends = datetime.now(UTC) + timedelta(days=days)
    issued = authority.issue_cert("shop.example.org", not_after=ends)
    host.write("/etc/nginx/ssl/shop.pem", issued.cert_chain_pems[0].bytes().decode(), when)


def _good_certificate(host: AdminsHost) -> None:
    _certificate(host, 90)


def _old_certificate(host: AdminsHost, when: datetime) -> None:
    _certificate(host, -3, when)


def _handshakes_fail(host: AdminsHost, when: datetime) -> None:
    for number in range(8):
        host.log(
            NGINX_LOG,
            f"{when + timedelta(seconds=number):%Y/%m/%d %H:%M:%S} [crit] 77#77: *{number} SSL_do_handshake()"
            " failed (SSL: error:0A000415:SSL"
            " routines::sslv3 alert certificate expired:SSL alert number 45) while SSL handshaking, client:"
            f" 198.51.100.{number}, server: 0.0.0.0:443",
        )


# a pool of PHP that listens elsewhere


def _php(host: AdminsHost) -> None:
    host.write("/etc/php/8.2/fpm/pool.d/www.conf", "[www]\nuser = www-data\nlisten = /run/php/php8.2-fpm.sock\n")
    host.packages({"nginx": "1.22.1-9", "php8.2-fpm": "8.2.24-1"})


def _move_pool(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/php/8.2/fpm/pool.d/www.conf", "/run/php/php8.2-fpm.sock", "127.0.0.1:9000", when)


def _bad_gateway(host: AdminsHost, when: datetime) -> None:
    for number in range(8):
        host.log(
            NGINX_LOG,
            f"{when + timedelta(seconds=number):%Y/%m/%d %H:%M:%S} [crit] 77#77: *{number} connect() to"
            " unix:/run/php/php8.2-fpm.sock failed"
            f" (2: No such file or directory) while connecting to upstream, client: 198.51.100.{number}, server:"
            " shop.example.org,"
            ' request: "GET /index.php HTTP/1.1", upstream: "fastcgi://unix:/run/php/php8.2-fpm.sock:", host:'
            ' "shop.example.org"',
        )


# a job that takes all memory


def _add_job(host: AdminsHost, when: datetime) -> None:
    host.write("/etc/cron.d/monthly-report", "*/10 * * * * deploy /opt/reports/build_report --all\n", when)


def _out_of_memory(host: AdminsHost, when: datetime) -> None:
    host.log(
        SYSLOG,
        syslog(when, "CRON[811]", "(deploy) CMD (/opt/reports/build_report --all)"),
        syslog(
            when,
            "kernel",
            "[86500.1] build_report invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        ),
        syslog(
            when,
            "kernel",
            "[86500.2] Out of memory: Killed process 812 (build_report) total-vm:9123456kB, anon-rss:7812345kB,"
            " file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:15432kB oom_score_adj:0",
        ),
    )


# a rule of sudo that is wrong


def _sudo(host: AdminsHost) -> None:
    host.write("/etc/sudoers.d/deploy", "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart shop\n")


def _narrow_sudo(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/sudoers.d/deploy", "deploy ALL", "depoly ALL", when)


def _sudo_refuses(host: AdminsHost, when: datetime) -> None:
    for second in range(3):
        host.log(
            AUTH_LOG,
            syslog(
                when + timedelta(seconds=second),
                "sudo",
                "  deploy : user NOT in sudoers ; TTY=pts/0 ; PWD=/home/deploy ; USER=root ;"
                " COMMAND=/usr/bin/systemctl restart shop",
            ),
        )


# name servers that do not answer


def _resolv(host: AdminsHost) -> None:
    host.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")


def _edit_resolv(host: AdminsHost, when: datetime) -> None:
    host.write("/etc/resolv.conf", "nameserver 198.51.100.53\n", when)


def _names_fail(host: AdminsHost, when: datetime) -> None:
    for second in range(5):
        at = when + timedelta(seconds=second)
        host.log(
            SYSLOG,
            syslog(
                at,
                f"postfix/smtp[{700 + second}]",
                f"4F1B2C3D4E{second}: to=<ann@example.net>, relay=none, delay=3601, delays=3600/0.01/1/0,"
                " dsn=4.4.3, status=deferred (Host or domain name not found. Name service error for"
                " name=example.net type=MX: Host not found, try again)",
            ),
            syslog(at, "chronyd[512]", "Could not resolve address of pool.ntp.example.org"),
            syslog(
                at,
                "shop[99]",
                "requests.exceptions.ConnectionError: Failed to resolve 'api.example.net' ([Errno -3] Temporary"
                " failure in name resolution)",
            ),
        )


# rules of the packet filter


def _filter(host: AdminsHost, _when: datetime) -> None:
    rules = "table inet guard { chain out { type filter hook output priority 0; tcp dport 5432 drop; }; }"
    host(parts.program("nft"), rules)


def _timeouts(host: AdminsHost, when: datetime) -> None:
    for second in range(5):
        at = when + timedelta(seconds=second)
        host.log(
            SYSLOG,
            syslog(
                at,
                "shop[99]",
                'ERROR psycopg.OperationalError: connection to server at "192.0.2.20", port 5432 failed: Connection'
                " timed out",
            ),
        )


# a new kernel that lacks a module


def _old_kernel(host: AdminsHost) -> None:
    host.packages({"linux-image-amd64": "6.1.112-1"})


def _new_kernel(host: AdminsHost, _when: datetime) -> None:
    host.packages({"linux-image-amd64": "6.1.119-1", "linux-image-6.1.0-28-amd64": "6.1.119-1"})
    for path, text in {
        "/proc/sys/kernel/random/boot_id": "0b1f2c3d-0000-4000-8000-000000000001\n",
        "/proc/sys/kernel/osrelease": "6.1.0-28-amd64\n",
    }.items():
        place = host.folder / Path(path).name
        place.write_text(text)
        host("mount", "--bind", str(place), path)


def _no_module(host: AdminsHost, when: datetime) -> None:
    host.log(
        SYSLOG,
        syslog(when, "systemd-modules-load[311]", "Failed to find module 'zfs'"),
        syslog(when, "modprobe[312]", "FATAL: Module zfs not found in directory /lib/modules/6.1.0-28-amd64"),
        syslog(when, "systemd[1]", "systemd-modules-load.service: Main process exited, code=exited, status=1/FAILURE"),
        syslog(when, "systemd[1]", "systemd-modules-load.service: Failed with result 'exit-code'."),
        syslog(when, "zpool[400]", "The ZFS modules are not loaded."),
    )


# a mount that went


def _data(host: AdminsHost) -> None:
    for path in ("/srv/data", "/var/data-of-disk"):
        host.at(path).mkdir()
    host("mount", "--bind", "/var/data-of-disk", "/srv/data")


def _unmount(host: AdminsHost, _when: datetime) -> None:
    host("umount", "/srv/data")


def _data_is_gone(host: AdminsHost, when: datetime) -> None:
    for second in range(3):
        at = when + timedelta(seconds=second)
        host.log(
            SYSLOG,
            syslog(
                at,
                "postgres[640]",
                f'[{second}-1] PANIC:  could not open file "/srv/data/pg16/global/pg_control": No such file or'
                " directory",
            ),
            syslog(at, "shop[99]", "ERROR cannot write /srv/data/uploads/1.png: [Errno 2] No such file or directory"),
        )


# a user that was removed


def _worker(host: AdminsHost) -> None:
    host.at("/srv/app").mkdir()
    unit(host, "worker.service", "/bin/sleep 1000", "User=app")


def _remove_user(host: AdminsHost, _when: datetime) -> None:
    host(parts.program("userdel"), "--force", "app")


def _worker_fails(host: AdminsHost, when: datetime) -> None:
    restart(host, "worker.service")
    host.log(
        SYSLOG,
        syslog(when, "systemd[4811]", "worker.service: Failed to determine user credentials: No such process"),
        syslog(when, "systemd[4811]", "worker.service: Failed at step USER spawning /bin/sleep: No such process"),
        syslog(when, "systemd[1]", "worker.service: Main process exited, code=exited, status=217/USER"),
        syslog(when, "systemd[1]", "worker.service: Failed with result 'exit-code'."),
    )


# a kernel without IPv6


def _with_ipv6(host: AdminsHost) -> None:
    host.set("net.ipv6.conf.all.disable_ipv6", "0")


def _without_ipv6(host: AdminsHost, when: datetime) -> None:
    host.write("/etc/sysctl.d/99-hardening.conf", "net.ipv6.conf.all.disable_ipv6 = 1\n", when)
    host.set("net.ipv6.conf.all.disable_ipv6", "1")


def _no_such_family(host: AdminsHost, when: datetime) -> None:
    text = "nginx: [emerg] socket() [::]:80 failed (97: Address family not supported by protocol)"
    host.log(SYSLOG, syslog(when, "nginx[4711]", text))


STORIES = (
    Story(
        "nginx.conf is wrong",
        _nginx,
        _edit_nginx,
        _nginx_fails,
        (("service.failed", "nginx"), ("", "nginx")),
        (("file", "/etc/nginx/nginx.conf"),),
    ),
    Story(
        "sshd_config lets few in", _sshd, _edit_sshd, _logins_refused, (("", ""),), (("file", "/etc/ssh/sshd_config"),)
    ),
    Story(
        "a log fills the disk",
        _app_logs,
        _log_all,
        _var_is_full,
        (("disk", "/var"),),
        (("file", "/etc/app/logging.ini"),),
    ),
    Story(
        "an upgraded program crashes",
        _imagesvc,
        _upgrade_imagesvc,
        _imagesvc_crashes,
        (("service.failed", "imagesvc"), ("", "")),
        (("package", "imagesvc"),),
    ),
    Story("a new user logs in", nothing, _make_eve, _eve_logs_in, (("", "eve"),), (("user", "eve"), ("key", "eve"))),
    Story(
        "a new image restarts",
        _shop,
        _bump,
        _shop_restarts,
        (("container.restarting", "shop"),),
        (("container", "image registry.example.org/shop:1.8"), ("file", "/opt/shop/compose.yaml")),
    ),
    Story(
        "a certificate has ended",
        _good_certificate,
        _old_certificate,
        _handshakes_fail,
        (("", ""),),
        (("certificate", "/etc/nginx/ssl/shop.pem"), ("file", "/etc/nginx/ssl/shop.pem")),
    ),
    Story(
        "a pool of PHP listens elsewhere",
        _php,
        _move_pool,
        _bad_gateway,
        (("", ""),),
        (("file", "/etc/php/8.2/fpm/pool.d/www.conf"),),
    ),
    Story(
        "a job takes all memory",
        nothing,
        _add_job,
        _out_of_memory,
        (("", ""),),
        (("cron", "/etc/cron.d/monthly-report"), ("file", "/etc/cron.d/monthly-report")),
    ),
    Story(
        "a rule of sudo is wrong",
        _sudo,
        _narrow_sudo,
        _sudo_refuses,
        (("", ""),),
        (("sudo", "/etc/sudoers.d/deploy"), ("file", "/etc/sudoers.d/deploy")),
    ),
    Story(
        "name servers do not answer",
        _resolv,
        _edit_resolv,
        _names_fail,
        (("", ""),),
        (("dns", "name servers"), ("file", "/etc/resolv.conf")),
    ),
    Story("the packet filter drops", nothing, _filter, _timeouts, (("", ""),), (("firewall", "nftables"),)),
    Story(
        "a kernel lacks a module",
        _old_kernel,
        _new_kernel,
        _no_module,
        (("", ""),),
        (("boot", "booted again"), ("package", "linux-image")),
    ),
    Story("a mount is gone", _data, _unmount, _data_is_gone, (("", ""),), (("mount", "/srv/data"),)),
    Story(
        "a service's user is gone",
        _worker,
        _remove_user,
        _worker_fails,
        (("service.failed", "worker"), ("", "")),
        (("user", "app"),),
    ),
    Story(
        "the kernel has no IPv6",
        _with_ipv6,
        _without_ipv6,
        _no_such_family,
        (("", "nginx"),),
        (("kernel-setting", "net.ipv6.conf.all.disable_ipv6"), ("file", "/etc/sysctl.d/99-hardening.conf")),
    ),
)
