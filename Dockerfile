# Vitrine, for production. `docker build .` makes the service; `docker build --target minio .` a MinIO to try S3 with.
ARG NODE=24

# --- MinIO, from its Go module at the version that the tests use: no maintained image of it can be counted on
FROM golang:1.26-bookworm AS minio-build
COPY scripts/get-minio /minio/scripts/get-minio
RUN /minio/scripts/get-minio

FROM debian:bookworm-slim AS minio
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates curl \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10002 --no-create-home minio \
  && install -d -o minio -g minio /data
COPY --from=minio-build /minio/.cache/minio /usr/local/bin/minio
USER 10002
VOLUME /data
EXPOSE 9000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["curl", "-fsS", "http://127.0.0.1:9000/minio/health/live"]
CMD ["minio", "server", "--quiet", "/data"]

# --- the service
FROM node:${NODE}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && rm -rf dist/test dist/bench && npm prune --omit=dev --no-audit --no-fund

FROM node:${NODE}-bookworm-slim
# qemu-img converts imports; tini passes signals on and buries what the embedded database leaves
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends qemu-utils tini \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY bin bin
COPY migrations migrations
COPY docker docker
COPY LICENSE ./
ENV NODE_ENV=production \
  VITRINE_HOST=0.0.0.0 \
  VITRINE_PORT=9292 \
  VITRINE_DATA_DIR=/data \
  VITRINE_AUTH=basic
USER 1000
VOLUME /data
EXPOSE 9292
# whether the process answers; /readyz also asks the database and the stores, which no restart would mend
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "docker/healthcheck.mjs"]
ENTRYPOINT ["tini", "--", "docker/entrypoint"]
CMD ["serve"]
