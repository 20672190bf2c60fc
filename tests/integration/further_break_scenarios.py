"""More stories of how hosts break, of other parts of a system."""

from datetime import datetime, timedelta

from tests import parts
from tests.fixtures.admins_host import AdminsHost
from tests.integration.break_scenarios import SYSLOG, Story, restart, syslog, unit

# a relay that mail is handed to


def _postfix(host: AdminsHost) -> None:
    host.write("/etc/postfix/main.cf", "myhostname = web1.example.org\nrelayhost = [relay.example.org]:587\n")
    host.packages({"postfix": "3.7.11-0+deb12u1"})


def _edit_relay(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/postfix/main.cf", "[relay.example.org]:587", "[relay2.example.org]:2525", when)


def _mail_waits(host: AdminsHost, when: datetime) -> None:
    for second in range(6):
        at = when + timedelta(seconds=second)
        reason = "connect to relay2.example.org[198.51.100.25]:2525: Connection refused"
        text = f"4F1B2C3D4E{second}: to=<ann@example.net>, relay=none, delay=12, delays=0.1/0.01/12/0, dsn=4.4.1"
        host.log(SYSLOG, syslog(at, f"postfix/smtp[{700 + second}]", f"{text}, status=deferred ({reason})"))


# a library of another version


def _indexer(host: AdminsHost) -> None:
    host.packages({"libicu72": "72.1-3", "zlib1g": "1:1.2.13"})
    host.write("/srv/indexer/run", "#!/bin/sh\nexec sleep 1000\n")
    host.at("/srv/indexer/run").chmod(0o755)
    unit(host, "indexer.service", "/srv/indexer/run")


def _upgrade_library(host: AdminsHost, _when: datetime) -> None:
    host.packages({"libicu72": "72.1-3+deb12u1"})


def _library_is_missed(host: AdminsHost, when: datetime) -> None:
    host.edit("/srv/indexer/run", "exec sleep 1000", "exit 127")
    restart(host, "indexer.service")
    missed = "libicuuc.so.72: cannot open shared object file: No such file or directory"
    host.log(
        SYSLOG,
        syslog(when, "indexer[5120]", f"/srv/indexer/run: error while loading shared libraries: {missed}"),
        syslog(when, "systemd[1]", "indexer.service: Main process exited, code=exited, status=127/n/a"),
        syslog(when, "systemd[1]", "indexer.service: Failed with result 'exit-code'."),
    )


# a group that somebody is not in any more


def _docker_group(host: AdminsHost) -> None:
    host("groupadd", "--gid", "990", "docker")
    host("usermod", "--append", "--groups", "docker", "deploy")


def _leave_group(host: AdminsHost, _when: datetime) -> None:
    host("gpasswd", "--delete", "deploy", "docker")


def _runner_is_refused(host: AdminsHost, when: datetime) -> None:
    for second in range(3):
        text = "ERROR: Job failed: permission denied while trying to connect to the Docker daemon socket"
        at = when + timedelta(seconds=second)
        host.log(SYSLOG, syslog(at, "gitlab-runner[888]", f"{text} at unix:///var/run/docker.sock"))


# a log that nothing rotates


def _rotated(host: AdminsHost) -> None:
    host.write("/etc/logrotate.d/nginx", "/var/log/nginx/*.log {\n\tdaily\n\trotate 14\n}\n")
    host.disk = ("/var/log", 55)


def _rotate_no_more(host: AdminsHost, _when: datetime) -> None:
    host.at("/etc/logrotate.d/nginx").unlink()


def _logs_are_full(host: AdminsHost, _when: datetime) -> None:
    host.disk = ("/var/log", 96)


# a database that lets the program in no more


def _postgres(host: AdminsHost) -> None:
    allowed = "local all all peer\nhost shop shop 192.0.2.0/24 scram-sha-256\n"
    host.write("/etc/postgresql/16/main/pg_hba.conf", allowed)
    host.packages({"postgresql-16": "16.4-1", "nginx": "1.22.1-9"})


def _edit_hba(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/postgresql/16/main/pg_hba.conf", "192.0.2.0/24", "192.0.2.0/28", when)


def _no_entry(host: AdminsHost, when: datetime) -> None:
    for second in range(5):
        at = when + timedelta(seconds=second)
        refused = 'FATAL:  no pg_hba.conf entry for host "192.0.2.77", user "shop", database "shop", SSL encryption'
        host.log(SYSLOG, syslog(at, f"postgres[{640 + second}]", f"[{second}-1] {refused}"))


# a drop-in of a unit that leaves too little memory


def _api(host: AdminsHost) -> None:
    unit(host, "api.service", "/bin/sleep 1000")


def _limit_memory(host: AdminsHost, when: datetime) -> None:
    host.write("/systemd/etc/api.service.d/limits.conf", "[Service]\nMemoryMax=64M\nExecStartPre=/bin/false\n", when)
    host("systemctl", "daemon-reload")


def _api_is_killed(host: AdminsHost, when: datetime) -> None:
    restart(host, "api.service")
    host.log(
        SYSLOG,
        syslog(when, "kernel", "[9.1] Memory cgroup out of memory: Killed process 991 (python3) total-vm:99kB"),
        syslog(when, "systemd[1]", "api.service: A process of this unit has been killed by the OOM killer."),
        syslog(when, "systemd[1]", "api.service: Failed with result 'oom-kill'."),
    )


# an address that another service took


def _cache(host: AdminsHost) -> None:
    host.packages({"redis-server": "5:7.0.15-1~deb12u1"})
    host.write("/etc/redis/redis.conf", "bind 127.0.0.1\nport 6379\n")


def _take_port(host: AdminsHost, _when: datetime) -> None:
    host.start(parts.program("busybox"), "nc", "-l", "-p", "6379")


def _address_in_use(host: AdminsHost, when: datetime) -> None:
    host.log(
        SYSLOG,
        syslog(
            when,
            "redis-server[733]",
            "Warning: Could not create server TCP listening socket 127.0.0.1:6379: bind: Address already in use",
        ),
        syslog(when, "systemd[1]", "redis-server.service: Main process exited, code=exited, status=1/FAILURE"),
        syslog(when, "systemd[1]", "redis-server.service: Failed with result 'exit-code'."),
    )


# a backup whose key nobody accepts any more


def _backup(host: AdminsHost) -> None:
    host.write("/etc/cron.d/backup", "15 2 * * * root /usr/local/bin/backup-to-vault\n")


def _edit_backup(host: AdminsHost, when: datetime) -> None:
    host.write("/etc/cron.d/backup", "15 2 * * * deploy /usr/local/bin/backup-to-vault\n", when)


def _backup_fails(host: AdminsHost, when: datetime) -> None:
    host.log(
        SYSLOG,
        syslog(when, "CRON[4100]", "(deploy) CMD (/usr/local/bin/backup-to-vault)"),
        syslog(when, "backup-to-vault[4101]", "ERROR: cannot open /etc/backup/key: Permission denied"),
        syslog(when, "backup-to-vault[4101]", "ERROR: backup failed, nothing was written"),
    )


# a name of a host that leads elsewhere


def _hosts(host: AdminsHost) -> None:
    host.write("/etc/hosts", "127.0.0.1 localhost\n192.0.2.20 db.internal\n")


def _edit_hosts(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/hosts", "192.0.2.20 db.internal", "192.0.2.21 db.internal", when)


def _database_unreachable(host: AdminsHost, when: datetime) -> None:
    for second in range(5):
        at = when + timedelta(seconds=second)
        text = "SQLSTATE[HY000] [2002] No route to host (host db.internal, port 3306)"
        host.log(SYSLOG, syslog(at, "php[2200]", f"PHP Fatal error:  Uncaught PDOException: {text}"))


# a key of the server that others cannot read


def _site_key(host: AdminsHost) -> None:
    host.write("/etc/nginx/ssl/site.key", "a private key\n")
    host.at("/etc/nginx/ssl/site.key").chmod(0o644)
    unit(host, "nginx.service", "/bin/sleep 1000")


def _close_key(host: AdminsHost, _when: datetime) -> None:
    host.at("/etc/nginx/ssl/site.key").chmod(0o000)


def _key_unreadable(host: AdminsHost, when: datetime) -> None:
    reason = "BIO_new_file() failed (SSL: error:8000000D:system library::Permission denied"
    text = f'nginx: [emerg] cannot load certificate key "/etc/nginx/ssl/site.key": {reason})'
    host.log(SYSLOG, syslog(when, "nginx[4711]", text))


# a firewall of fail2ban that bans a customer


def _jail(host: AdminsHost) -> None:
    host.write("/etc/fail2ban/jail.local", "[sshd]\nmaxretry = 5\nbantime = 10m\n")
    host.packages({"fail2ban": "1.0.2-2"})


def _edit_jail(host: AdminsHost, when: datetime) -> None:
    host.edit("/etc/fail2ban/jail.local", "maxretry = 5", "maxretry = 1", when)


def _many_bans(host: AdminsHost, when: datetime) -> None:
    for second in range(8):
        at = when + timedelta(seconds=second)
        text = f"fail2ban.actions        [612]: NOTICE  [sshd] Ban 198.51.100.{second}"
        host.log(SYSLOG, syslog(at, "fail2ban-server[612]", text))
    host.log(SYSLOG, syslog(when, "fail2ban-server[612]", "ERROR   Failed during configuration: jail 'sshd' invalid"))


# a package that was removed


def _tools(host: AdminsHost) -> None:
    host.packages({"imagemagick": "8:6.9.11.60", "php8.2-fpm": "8.2.24-1", "curl": "7.88.1-10"})


def _remove_package(host: AdminsHost, _when: datetime) -> None:
    status = host.at("/var/lib/dpkg/status")
    kept = [block for block in status.read_text().split("\n\n") if "imagemagick" not in block]
    status.write_text("\n\n".join(kept))


def _no_convert(host: AdminsHost, when: datetime) -> None:
    for second in range(3):
        at = when + timedelta(seconds=second)
        host.log(SYSLOG, syslog(at, "thumbs[3100]", "ERROR imagemagick: convert: command not found"))


MORE_STORIES = (
    Story(
        "mail goes to another relay",
        _postfix,
        _edit_relay,
        _mail_waits,
        (("", ""),),
        (("file", "/etc/postfix/main.cf"),),
    ),
    Story(
        "a library is of another version",
        _indexer,
        _upgrade_library,
        _library_is_missed,
        (("", "indexer"), ("", "librar")),
        (("package", "libicu72"),),
    ),
    Story(
        "somebody left a group",
        _docker_group,
        _leave_group,
        _runner_is_refused,
        (("", ""),),
        (("group", "deploy removed from docker"),),
    ),
    Story(
        "a log is not rotated",
        _rotated,
        _rotate_no_more,
        _logs_are_full,
        (("disk", "/var/log"),),
        (("file", "/etc/logrotate.d/nginx"),),
    ),
    Story(
        "a database lets nobody in",
        _postgres,
        _edit_hba,
        _no_entry,
        (("", ""),),
        (("file", "/etc/postgresql/16/main/pg_hba.conf"),),
    ),
    Story(
        "a unit has too little memory",
        _api,
        _limit_memory,
        _api_is_killed,
        (("", "api.service"),),
        (("file", "/etc/systemd/system/api.service.d/limits.conf"),),
    ),
    Story(
        "a port is taken", _cache, _take_port, _address_in_use, (("", "redis"), ("", "Redis")), (("port", "port 6379"),)
    ),
    Story(
        "a job runs as another user",
        _backup,
        _edit_backup,
        _backup_fails,
        (("", ""),),
        (("file", "/etc/cron.d/backup"), ("cron", "/etc/cron.d/backup")),
    ),
    Story("a name leads elsewhere", _hosts, _edit_hosts, _database_unreachable, (("", ""),), (("file", "/etc/hosts"),)),
    Story(
        "a key cannot be read",
        _site_key,
        _close_key,
        _key_unreadable,
        (("", ""),),
        (("file", "/etc/nginx/ssl/site.key"),),
    ),
    Story(
        "a jail is too strict", _jail, _edit_jail, _many_bans, (("", "ail"),), (("file", "/etc/fail2ban/jail.local"),)
    ),
    Story("a package was removed", _tools, _remove_package, _no_convert, (("", ""),), (("package", "imagemagick"),)),
)
