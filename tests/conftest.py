"""The fixtures that more than one folder of tests uses."""

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.sshd",
    "tests.fixtures.program",
    "tests.fixtures.containers",
    "tests.fixtures.systemd_host",
    "tests.fixtures.admins_host",
    "tests.fixtures.fleet",
    "tests.fixtures.whole_host",
    "tests.fixtures.chaos",
    "tests.fixtures.real_model",
    "tests.fixtures.real_opencode",
]
