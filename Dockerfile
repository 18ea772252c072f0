# Two images: `signet` is the provider, `samples` the sample app and API. Neither runs as root or holds a secret.

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/signet
COPY constraints.txt pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY provider provider
COPY templates templates
COPY migrations migrations
COPY clients clients
RUN /opt/signet/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.13-slim AS signet
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/signet signet
COPY --from=build /opt/signet /opt/signet
ENV PATH=/opt/signet/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /var/lib/signet
USER 10001
EXPOSE 8000
# Exec form: SIGTERM reaches the service, which finishes what it is doing.
ENTRYPOINT ["signet"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

FROM signet AS samples
WORKDIR /srv/clients
COPY clients .
ENTRYPOINT ["uvicorn"]
CMD ["--factory", "web_app.app:app", "--host", "0.0.0.0", "--port", "8001"]
