FROM python:3.13-slim-bookworm AS builder

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# The dependencies first: a change of the source alone leaves this layer cached.
COPY requirements-build.lock requirements.lock ./
RUN pip install --require-hashes --requirement requirements-build.lock \
    && python -m venv --without-pip /opt/dthostmon \
    && pip --python /opt/dthostmon/bin/python install --require-hashes --only-binary :all: --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY dthostmon ./dthostmon
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/dthostmon/bin/python install --no-deps --no-index /wheels/*.whl


FROM python:3.13-slim-bookworm

# A fixed number, so that the owner of mounted keys and volumes can be set from outside.
RUN pip uninstall --yes --root-user-action=ignore pip \
    && groupadd --gid 10001 dthostmon \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/dthostmon --shell /usr/sbin/nologin dthostmon \
    && install --directory --owner=dthostmon --group=dthostmon --mode=0700 /var/lib/dthostmon \
    && install --directory /etc/dthostmon

COPY --from=builder /opt/dthostmon /opt/dthostmon

# Inside a container only its own network can reach every address; what is published is decided outside.
ENV PATH=/opt/dthostmon/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DTHOSTMON_CONFIG=/etc/dthostmon/dthostmon.yaml \
    DTHOSTMON__API__LISTEN=0.0.0.0:8080

USER 10001:10001
WORKDIR /var/lib/dthostmon
VOLUME /var/lib/dthostmon
EXPOSE 8080
STOPSIGNAL SIGTERM

# urlopen raises on 503, which /health answers when the database or the scheduler is down.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=4)"]

ENTRYPOINT ["dthostmon"]
CMD ["run"]
