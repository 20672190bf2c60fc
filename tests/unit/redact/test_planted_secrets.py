"""Secrets of every shape and place, all invented: none of them leaves, and the mark says what it was.

Known prefixes are joined here, so that no scanner of repositories takes them for real ones.
"""

import base64
import re
from typing import NamedTuple

import pytest

from dthostmon.redact import redact

RUN = 6
LEAST_OF_A_PLACE = 12


class Planted(NamedTuple):
    """`text` has `{}` in the place of the secret."""

    text: str
    secret: str
    kind: str


A36 = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
HEX32 = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
HEX64 = HEX32 + "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
AWS_SECRET = "wJa1rXUtnFEMI/K7MDENG/bPxRfiCYzzzzKEY+12"  # noqa: S105  # invented
LINES = [
    ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" + A36)[:64],
    ("Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5" + A36 + "AbC")[:64],
]
BASIC = base64.b64encode(b"alice:Winter-2031-abc").decode()
JWT = ("eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U")
PEM = "-----BEGIN {kind}PRIVATE " + "KEY-----{gap}{body}{gap}-----END {kind}PRIVATE " + "KEY-----"
CRYPT = "$6$rounds=5000$saltsalt$" + "Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0"


def pem(kind: str, gap: str) -> str:
    return PEM.format(kind=kind, gap=gap, body=gap.join(LINES) + gap + "Qm9iPQ==")


def encoded(*words: str) -> str:
    """Return a command line as audit writes one with a blank in it."""
    return "\0".join(words).encode().hex().upper()


KEYS = [
    Planted("key: {} end", pem("", "\n"), "private key"),
    Planted("key: {} end", pem("RSA ", "\n"), "private key"),
    Planted("key: {} end", pem("EC ", "\\n"), "private key"),
    Planted("{}", pem("OPENSSH ", "\n").removesuffix("-----END OPENSSH PRIVATE " + "KEY-----"), "private key"),
    Planted("app: read -----BEGIN PRIVATE " + "KEY-----\\n{}", LINES[0][:50], "private key"),
    Planted("{}\n-----END RSA PRIVATE " + "KEY-----", "\n".join([*LINES, "Qm9iQm9i"]), "private key"),
    Planted("app[12]: {}", LINES[1], "private key"),
    Planted("cat: {}", "b3BlbnNzaC1rZXktdjE" + "AAAAABG5vbmUAAAAEbm9uZQ" + A36, "private key"),
    Planted('{{"type":"service_account","private_key":"{}","client_id":"1"}}', pem("", "\\n"), "private key"),
    Planted("age: {}", "AGE-SECRET-" + "KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN", "private key"),
    Planted("PrivateKey = {}", "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "secret key"),
]
TOKENS = [
    Planted("using {} for s3", "AKIA" + "IOSFODNN7EXAMPLE", "secret key"),
    Planted("export AWS_SECRET_ACCESS_KEY={}", AWS_SECRET, "secret key"),
    Planted("aws_secret_access_key = {}", AWS_SECRET, "secret key"),
    Planted("aws configure set aws_secret_access_key {}", AWS_SECRET, "password"),
    Planted('{{"SecretAccessKey": "{}", "Expiration": "2026-11-27"}}', AWS_SECRET, "secret key"),
    Planted("AKIA" + "IOSFODNN7EXAMPLE,{}", AWS_SECRET, "secret key"),
    Planted("maps: {} denied", "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "secret key"),
    Planted("AccountName=web;AccountKey={};EndpointSuffix=core.windows.net", A36 * 2 + "==", "secret key"),
    Planted("GET https://web.blob.core.windows.net/c/b?sv=2024-11-04&sr=b&sig={}&se=2026", A36 + "%2Fabc%3D", "secret"),
    Planted("remote: {} rejected", "ghp" + "_" + A36, "token"),
    Planted("remote: {} rejected", "github" + "_pat_" + "11ABCDEFG0" + A36, "token"),
    Planted("git clone https://oauth2:{}@gitlab.example.com/a/b.git", "gl" + "pat-" + A36[:20], "password"),
    Planted("runner uses {}", "gl" + "pat-" + A36[:20], "token"),
    Planted("slack {} invalid_auth", "xox" + "b-123456789012-123456789012-" + A36[:24], "token"),
    Planted("POST https://hooks.slack.com/services/{} 404", "T0A1B2C3D/B0A1B2C3D/" + A36[:24], "token"),
    Planted("charge with {} failed", "sk" + "_live_" + A36[:24], "secret key"),
    Planted("openai {}", "sk" + "-proj-" + A36 + "_" + A36, "secret key"),
    Planted("anthropic {}", "sk" + "-ant-api03-" + A36 + "-" + A36, "secret key"),
    Planted("xai {}", "xai" + "-" + A36 + A36, "secret key"),
    Planted("npm publish with {}", "npm" + "_" + A36, "token"),
    Planted("twine {}", "pypi" + "-AgEIcHlwaS5vcmc" + A36, "token"),
    Planted("GET https://api.telegram.org/bot{}/getMe", "1234567890" + ":AA" + "F" + A36[:32], "token"),
    Planted("mail: {}", "SG" + "." + A36[:22] + "." + (A36 + A36)[:43], "secret key"),
    Planted("twilio {}", "SK" + HEX32, "secret key"),
    Planted("discord {}", "MTA4NTk2NzIzNDU2Nzg5MDEy" + ".GxYz12." + A36, "token"),
    Planted("POST https://discord.com/api/webhooks/108596723456789012/{}", A36 + A36[:32], "token"),
    Planted("doctl {}", "dop" + "_v1_" + HEX64, "token"),
    Planted("vault: {} expired", "hvs" + "." + A36 * 2, "token"),
    Planted("docker: {}", "dckr" + "_pat_" + A36[:27], "token"),
    Planted("hub: {}", "hf" + "_" + A36[:34], "token"),
    Planted("invalid session {}", ".".join(JWT), "token"),
    Planted("cut session {}", JWT[0] + "." + JWT[1][:12], "token"),
    Planted("root:{}:19700:0:99999:7:::", CRYPT, "password hash"),
    Planted(
        "hash {} differs", "$2b$12$" + "R9h7cIPz0giZURNNX3kh2OPST9PgBkqquzi5Ss7KIUgO2t0jWMUWz"[:53], "password hash"
    ),
    Planted(
        "bob:{}:19700::::::",
        "$y$j9T$" + "F5Jx5fExrKuPp53xLKQ.11$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "password hash",
    ),
]
URLS = [
    Planted("git fetch https://alice:{}@git.example.com/x.git", "Winter2031", "password"),
    Planted("connect redis://:{}@cache:6379/0", "s0meR3dis", "password"),
    Planted("uri mongodb+srv://app:{}@cluster0.example.net/db?w=1", "M0ngo%40Pw%21", "password"),
    Planted("DATABASE_URL=postgres://app:{}@db:5432/app", "Tr0ub4dor&3", "password"),
    Planted("dial amqp://app:{}@mq/", "pa/ss!w0rd-x", "password"),
    Planted("next=postgres%3A%2F%2Fapp%3A{}%40db%2Fapp", "Winter2031x", "password"),
    Planted("could not connect: host=db port=5432 user=app password={} dbname=app", "Tr0ub4dor3x", "password"),
    Planted("could not connect: host=db password='{}' user=app", "correct horse battery", "password"),
    Planted("dsn app:{}@tcp(db:3306)/app", "Winter2031x", "password"),
    Planted('"GET /api?token={}&page=2 HTTP/1.1" 200', A36[:16], "secret"),
    Planted('"GET /maps?page=2&key={} HTTP/1.1" 200', A36[:16], "secret"),
    Planted('"POST /login?user=bob&password={} HTTP/1.1" 302', "qwertzuiop", "secret"),
    Planted("http_proxy=alice:{}@proxy.example.com:3128", "Winter2031x", "password"),
]
COMMANDS = [
    Planted('curl -b "session={}" https://example.com', "hunterhunter", "cookie"),
    Planted("SSHPASS={} sshpass -e ssh web1", "hunterhunter", "password"),
    Planted("openssl enc -aes-256-cbc -k {} -in a", "hunterhunter", "password"),
    Planted("sqlplus bob/{}@db", "hunterhunter", "password"),
    Planted("zip -P {} a.zip b", "hunterhunter", "password"),
    Planted("snmpget -v3 -u bob -A {} host", "hunterhunter", "password"),
    Planted("nmcli con modify x wifi-sec.psk {}", "hunterhunter", "secret key"),
    Planted("lftp -u bob,{} host", "hunterhunter", "password"),
    Planted("kubectl create secret generic db --from-literal=password={}", "hunterhunter", "password"),
    Planted("gpg --batch --passphrase '{}' -c x", "hunter hunter", "password"),
    Planted("chpasswd <<< 'bob:{}'", "hunterhunter", "password"),
    Planted("COMMAND=/usr/bin/mysql -uroot -p{} app", "hunterhunter", "password"),
    Planted("CMD (mysqldump -u backup -p'{}' --all-databases | gzip > /b.gz)", "it is; quoted", "password"),
    Planted('type=EXECVE msg=audit(1.2:3): argc=3 a0="mysql" a1="-uroot" a2="-p{}"', "hunterhunter", "password"),
    Planted('"Cmd":["mysqladmin","-p{}","ping"]', "hunterhunter", "password"),
    Planted("tool --password={} run", "hunterhunter", "password"),
    Planted("tool --db-password {} run", "hunterhunter", "password"),
    Planted('"Args":["--password","{}","run"]', "hunterhunter", "password"),
    Planted("curl -s -u alice:{} https://example.com", "hunterhunter", "password"),
    Planted('curl -H "X-Api-Key: {}" https://example.com', "hunterhunterhunter7", "secret key"),
    Planted("curl -H 'Authorization: Bearer {}' https://example.com", "abcdefabcdefabcdef", "credentials"),
    Planted("sshpass -p {} ssh root@web1", "hunterhunter", "password"),
    Planted("PGPASSWORD={} psql -h db app", "hunterhunter", "password"),
    Planted("docker login -u alice -p {} registry.example.com", "hunterhunter", "password"),
    Planted("openssl rsa -in k.pem -passin pass:{} -out o.pem", "hunterhunter", "password"),
    Planted("htpasswd -b /etc/nginx/users alice {}", "hunterhunter", "password"),
    Planted("htpasswd -nbB alice {}", "hunterhunter", "password"),
    Planted("echo alice:{} | chpasswd", "hunterhunter", "password"),
    Planted("echo '{}' | sudo -S reboot", "hunterhunter", "password"),
    Planted("redis-cli -h cache -a {} ping", "hunterhunter", "password"),
    Planted("ldapsearch -x -D cn=app -w {} uid=bob", "hunterhunter", "password"),
    Planted("smbclient //nas/share -U bob%{}", "hunterhunter", "password"),
    Planted("rabbitmqctl change_password app {}", "hunterhunter", "password"),
    Planted("keytool -list -storepass {} -v", "hunterhunter", "password"),
    Planted(
        "type=PROCTITLE msg=audit(1.2:3): proctitle={}", b"mysql\0-phunterhunter".hex().upper(), "encoded command line"
    ),
    Planted("mysql -e \"ALTER USER 'app'@'%' IDENTIFIED BY '{}'\"", "hunterhunter", "password"),
    Planted("statement: CREATE ROLE app LOGIN PASSWORD '{}'", "hunterhunter", "password"),
]
SETTINGS = [
    Planted("rocommunity {}", "hunterhunter", "password"),
    Planted("define('DB_PASSWORD', '{}');", "hunter hunter", "secret"),
    Planted("- name: DB_PASSWORD\n  value: {}", "hunterhunter", "secret"),
    Planted('{{"name":"API_TOKEN","value":"{}"}}', "hunter hunter", "secret"),
    Planted("SET PASSWORD FOR 'bob'@'%' = PASSWORD('{}')", "hunterhunter", "password"),
    Planted("url jdbc:oracle:thin:bob/{}@db:1521", "hunterhunter", "password"),
    Planted("leak: bob@example.com:{}", "hunter2hunter", "password"),
    Planted("new password for bob is {}", "hunter2hunter", "password"),
    Planted('ServerPassword "{}"', "hunterhunter", "password"),
    Planted('{{"user": "bob", "password": "{}", "tries": 2}}', 'hun"ter, hunter'.replace('"', '\\"'), "password"),
    Planted('msg="{{\\"password\\":\\"{}\\",\\"user\\":\\"bob\\"}}"', "hunter hunter", "password"),
    Planted("Environment=DB_PASS={}", "hunterhunter", "password"),
    Planted("Environment='DB_PASS={}' HOME=/srv", "hunter hunter", "password"),
    Planted("secret_key: {}", "hunterhunter", "secret key"),
    Planted("client_secret = {}", "hunterhunter", "secret"),
    Planted("spring.datasource.password={}", "hunter,hunter;x", "password"),
    Planted("passphrase={}", "hunterhunter", "password"),
    Planted("config: password: {}", "hunterhunter", "password"),
    Planted("requirepass {}", "hunterhunter", "password"),
    Planted("machine git.example.com login bob password {}", "hunterhunter", "password"),
    Planted("<password>{}</password>", "hunterhunter", "password"),
    Planted("A temporary password is generated for root@localhost: {}", "Xk2#qwe-rty.", "password"),
    Planted("wifi: psk={}", "hunterhunter", "secret key"),
    Planted("Server=db;User Id=app;Pwd={};Encrypt=yes", "hunterhunter", "password"),
    Planted("AUTH_TOKEN: '{}'", "hunterhunter", "token"),
]
HEADERS = [
    Planted("Cookie: theme=; session={}; lang=", "abcdefghijkl", "cookie"),
    Planted("Set-Cookie: PHPSESSID={}; Path=/; HttpOnly", "abcdefghijkl", "cookie"),
    Planted("Authorization: Basic {}", BASIC, "credentials"),
    Planted("upstream sent basic {} twice", BASIC, "credentials"),
    Planted("retry with bearer {}", A36, "token"),
    Planted("Authorization: Token {}", "hunterhunterhunter", "credentials"),
    Planted(
        "Authorization: Digest {}",
        'username="bob", realm="x", nonce="abcdefgh", response="0123456789abcdef"',
        "credentials",
    ),
    Planted('"Proxy-Authorization": "Basic {}"', BASIC, "credentials"),
]
PERSONAL = [
    Planted("to=<{}>, relay=mx", "alice.smith+x@example.com", "e-mail address"),
    Planted("GET /u?mail={} 200", "alice.smith%40example.com", "e-mail address"),
    Planted("order paid with {} today", "4111 1111 1111 1111", "card number"),
    Planted("order paid with {} today", "5500-0000-0000-0004", "card number"),
    Planted('{{"card":"{}"}}', "378282246310005", "card number"),
    Planted("Invalid user {} from 203.0.113.9 port 53122", "Sommer2024!", "user name, perhaps a password"),
    Planted(
        "Failed password for invalid user {} from 203.0.113.9 port 4 ssh2",
        "correct horse staple",
        "user name, perhaps a password",
    ),
    Planted(
        "Connection closed by invalid user {} 203.0.113.9 port 4 [preauth]", "p4ssw0rd", "user name, perhaps a password"
    ),
    Planted("Invalid user {} from 203.0.113.9 port 53122", "Hunter2hunter2", "user name, perhaps a password"),
    Planted("pam_unix(login:auth): bad username [{}]", "S3cret-Word", "user name, perhaps a password"),
]
SUDO = "alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND="
# command lines as sudo and audit log them
LOGGED_COMMANDS = [
    Planted(SUDO + "/usr/bin/curl -u admin:{} https://example.com", "hunterhunter", "password"),
    Planted(SUDO + "/usr/bin/env MYSQL_PWD={} mysqldump app", "hunterhunter", "password"),
    Planted(SUDO + "/usr/bin/sshpass -p {} ssh root@db", "hunterhunter", "password"),
    Planted(SUDO + "/usr/bin/mount -t cifs //nas/x /mnt -o username=bob,password={}", "hunterhunter", "password"),
    Planted(SUDO + "/usr/bin/psql postgres://app:{}@db/app", "Winter2031x", "password"),
    Planted(SUDO + "/usr/bin/tee /etc/app.env <<< API_TOKEN={}", "hunter2hunter", "token"),
    Planted(
        "alice : TTY=pts/0 ; PWD=/ ; USER=root ; ENV=DB_PASSWORD={} ; COMMAND=/usr/bin/app", "hunterhunter", "password"
    ),
    Planted(
        "type=PROCTITLE msg=audit(1.2:3): proctitle={}",
        encoded("curl", "-u", "alice:hunterhunter", "x"),
        "encoded command line",
    ),
    Planted(
        "type=PROCTITLE msg=audit(1.2:3): proctitle={}",
        encoded("psql", "postgres://app:Winter2031x@db/app"),
        "encoded command line",
    ),
    Planted(
        "type=PROCTITLE msg=audit(1.2:3): proctitle={}",
        encoded("sshpass", "-p", "hunterhunter", "ssh", "db"),
        "encoded command line",
    ),
    Planted(
        'type=EXECVE msg=audit(1.2:3): argc=2 a0="app" a1={}',
        b"--password=hunter hunter".hex().upper(),
        "encoded command line",
    ),
    Planted(
        'type=EXECVE msg=audit(1.2:3): argc=3 a0="sh" a1="-c" a2={}',
        b"mysql -uroot -phunterhunter app".hex().upper(),
        "encoded command line",
    ),
    Planted(
        "type=USER_CMD msg=audit(1.2:3): pid=1 uid=1000 msg='cwd=\"/root\" cmd={} terminal=pts/0 res=success'",
        b"mysql -uroot -phunterhunter".hex().upper(),
        "encoded command line",
    ),
    Planted(
        'type=TTY msg=audit(1.2:3): tty pid=1 uid=0 major=136 minor=0 comm="bash" data={}',
        b"mysql -uroot -phunterhunter\r".hex().upper(),
        "encoded command line",
    ),
]
# what shells remember, and what programs echo of it
HISTORIES = [
    Planted("HISTORY: PID=811 UID=0 mysql -uroot -p{} app", "hunterhunter", "password"),
    Planted("  501  mysqldump -u root -p{} app > /tmp/a.sql", "hunterhunter", "password"),
    Planted(": 1764200000:0;curl -u alice:{} https://example.com", "hunterhunter", "password"),
    Planted("- cmd: sshpass -p {} ssh root@web1", "hunterhunter", "password"),
    Planted("  502  export DB_PASSWORD={}", "hunterhunter", "password"),
    Planted("set -gx OPENAI_API_KEY {}", "hunter2hunter2hunter", "secret"),
    Planted("setenv DB_PASSWORD {}", "hunterhunter", "secret"),
    Planted("  503  docker run -d -e POSTGRES_PASSWORD={} postgres:16", "hunterhunter", "password"),
    Planted('  504  psql "host=db user=app password={}"', "hunterhunter", "password"),
    Planted('  505  echo "root:{}" | chpasswd', "hunterhunter", "password"),
    Planted("  506  echo {} | sudo -S apt update", "hunterhunter", "password"),
    Planted("  507  passwd --stdin bob <<< {}", "hunterhunter", "password"),
    Planted("  508  sudo -S reboot <<< '{}'", "hunterhunter", "password"),
    Planted('  509  mongosh "mongodb://root:{}@db/admin"', "hunterhunter", "password"),
    Planted("  510  ssh-keygen -t ed25519 -N {} -f k", "hunterhunter", "password"),
    Planted("  511  kubectl create secret docker-registry r --docker-password={}", "hunterhunter", "password"),
    Planted("  512  helm install db x --set auth.postgresPassword={}", "hunterhunter", "password"),
    Planted("  513  nmcli dev wifi connect home password {}", "hunterhunter", "password"),
    Planted("  514  BORG_PASSPHRASE={} borg create r::a /srv", "hunterhunter", "password"),
    Planted("  515  ipmitool -H bmc -U root -P {} power status", "hunterhunter", "password"),
    Planted("  516  vault kv put secret/app password={}", "hunterhunter", "password"),
    Planted("  517  rclone config create x s3 secret_access_key {}", "hunterhunter", "password"),
    Planted("  518  mc alias set store https://s3:9000 admin {}", "hunterhunter", "password"),
    Planted("  519  mysqladmin -u root password {}", "hunterhunter", "password"),
    Planted("  520  mysql -e \"SET PASSWORD = '{}'\"", "hunterhunter", "password"),
    Planted("  521  rabbitmqctl add_user app {}", "hunterhunter", "password"),
    Planted("  522  plink -ssh -pw {} bob@web1 uptime", "hunterhunter", "password"),
    Planted('  523  curl "https://api.example.com/v1?api_key={}"', "hunterhunter", "secret"),
    Planted("  524  wget --user=alice --http-password={} https://example.com", "hunterhunter", "password"),
    Planted("  525  gh auth login --with-token <<< {}", "ghp" + "_" + A36, "password"),
    Planted("  526  git remote add o https://{}@github.com/a/b.git", "ghp" + "_" + A36, "token"),
    Planted("  527  az login -u bob -p {}", "hunterhunter", "password"),
    Planted("  528  ldapadd -x -D cn=admin -w {} -f x.ldif", "hunterhunter", "password"),
]
# what is echoed of unit files
UNITS = [
    Planted('Environment="API_TOKEN={}" "HOME=/srv"', "hunter hunter", "token"),
    Planted("Environment=MYSQL_ROOT_PASSWORD={} LANG=C", "hunterhunter", "password"),
    Planted('Environment="DATABASE_URL=postgres://app:{}@db/app"', "Winter2031x", "password"),
    Planted("Environment=REDIS_URL=redis://:{}@cache:6379/0", "hunterhunter", "password"),
    Planted('Environment="JAVA_OPTS=-Djavax.net.ssl.keyStorePassword={}"', "hunterhunter", "password"),
    Planted("Environment=AWS_SECRET_ACCESS_KEY={}", AWS_SECRET, "secret key"),
    Planted("ExecStart=/usr/bin/app --db-password={} --port 80", "hunterhunter", "password"),
    Planted("ExecStart=/usr/bin/app --token {} --verbose", "hunterhunter", "password"),
    Planted("ExecStart=/usr/bin/redis-server --requirepass {}", "hunterhunter", "password"),
    Planted("ExecStart=/usr/bin/docker run -e POSTGRES_PASSWORD={} postgres", "hunterhunter", "password"),
    Planted("ExecStartPre=/bin/sh -c 'mysql -uroot -p{} -e \"select 1\"'", "hunterhunter", "password"),
    Planted("ExecStart=/usr/bin/java -Ddb.password={} -jar /srv/app.jar", "hunterhunter", "password"),
    Planted("ExecStart=/usr/bin/sshpass -p {} sshfs bob@nas:/ /mnt", "hunterhunter", "password"),
    Planted("ExecStop=/usr/bin/mysqladmin -uroot -p{} shutdown", "hunterhunter", "password"),
    Planted("ExecReload=/usr/bin/redis-cli -a {} config rewrite", "hunterhunter", "password"),
    Planted("ExecStart=/usr/bin/tailscale up --authkey={}", "tskey" + "-auth-" + A36[:24], "password"),
    Planted(
        "ExecStart=/usr/bin/k3s agent --token={} --server https://k8s:6443",
        "K10" + A36 + "::node:" + A36[:16],
        "password",
    ),
    Planted(
        "ExecStart={{ path=/usr/bin/app ; argv[]=/usr/bin/app --password {} ; ignore_errors=no }}",
        "hunterhunter",
        "password",
    ),
    Planted("SetCredential=db-password:{}", "hunterhunter", "secret"),
    Planted("Environment=DB_PASS={} # until the vault is there", "hunterhunter", "password"),
]
PLACES = {
    "log lines": [*KEYS, *TOKENS, *HEADERS, *PERSONAL, *SETTINGS],
    "command lines": [*COMMANDS, *LOGGED_COMMANDS],
    "URLs": URLS,
    "histories": HISTORIES,
    "unit files": UNITS,
}
ALL = [planted for place in PLACES.values() for planted in place]


def runs(secret: str) -> set[str]:
    """Return what must not be seen of a secret: not its words that are no secret, such as those of a PEM block."""
    words = re.sub(r"-----(?:BEGIN|END)[A-Z ]+-----|username=|realm=|nonce=|response=|\\n", "\n", secret)
    return {part[at : at + RUN] for part in words.split("\n") for at in range(len(part) - RUN + 1)}


@pytest.mark.parametrize("planted", ALL, ids=lambda planted: planted.text[:40])
def test_a_planted_secret_does_not_leave(planted: Planted) -> None:
    redacted = redact(planted.text.format(planted.secret))
    survivors = sorted(run for run in runs(planted.secret) if run in redacted)
    assert not survivors, redacted
    assert f"[redacted: {planted.kind}]" in redacted


@pytest.mark.parametrize("planted", ALL, ids=lambda planted: planted.text[:40])
def test_a_planted_secret_does_not_leave_from_within_a_log_line(planted: Planted) -> None:
    line = "Nov 27 19:35:01 web1 app[4711]: " + planted.text.format(planted.secret)
    redacted = redact(line)
    assert not [run for run in runs(planted.secret) if run in redacted], redacted
    assert redact(redacted) == redacted
    assert redacted.startswith("Nov 27 19:35:01 web1 app[4711]: ")


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 60
    assert all(len(planted) >= LEAST_OF_A_PLACE for planted in PLACES.values())
    assert all(runs(planted.secret) for planted in ALL)
