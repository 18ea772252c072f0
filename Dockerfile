# Three images: `signet` is the provider, `samples` the sample app and API, `test-server` a Signet for tests of apps.
# None runs as root or holds a secret.
# Name the base image by its digest to get the same image from every build: docs/operate/deploy.md, "Build the image".

ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1
COPY deploy/image deploy/image
# Every package with its version, from deploy/image/requirements.txt. Apart, so that a change of Signet installs Signet only.
RUN deploy/image/install /opt/signet packages
COPY deploy/forward-auth deploy/forward-auth
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY provider provider
COPY templates templates
COPY migrations migrations
COPY clients clients
# When the files of the image were made, in seconds since 1970. BuildKit uses it too.
ARG SOURCE_DATE_EPOCH
RUN deploy/image/install /opt/signet signet

FROM ${PYTHON_IMAGE} AS signet
# Not with useradd: it writes the date of the build.
RUN echo 'signet:x:10001:10001::/var/lib/signet:/usr/sbin/nologin' >> /etc/passwd \
  && echo 'signet:x:10001:' >> /etc/group \
  && install -d -o 10001 -g 10001 /var/lib/signet
COPY --from=build /opt/signet /opt/signet
ENV PATH=/opt/signet/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /var/lib/signet
USER 10001:10001
EXPOSE 8000
# Exec form: SIGTERM reaches the service, which finishes what it is doing.
ENTRYPOINT ["signet"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]

# For the tests of apps, never for users. It listens on loopback, so run it in the network of the host.
FROM signet AS test-server
COPY clients/pytest_signet/signet_testing /opt/signet-testing/signet_testing
ENV PYTHONPATH=/opt/signet-testing
CMD ["test-server", "--port", "8099", "--json"]

FROM signet AS samples
WORKDIR /srv/clients
COPY clients .
ENTRYPOINT ["uvicorn"]
CMD ["--factory", "web_app.app:app", "--host", "0.0.0.0", "--port", "8001"]
