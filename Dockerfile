# The image of the three commands `api`, `worker` and `migrate up`. Nothing here needs more than the plain builder.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag quartermaster .
#
# Whoever builds for others pins the base by its digest, and may take it from a mirror:
#   --build-arg NODE_IMAGE=registry.example.com/node:24-bookworm-slim@sha256:…
# `docker buildx imagetools inspect node:24-bookworm-slim` names the digest of the day.
ARG NODE_IMAGE=node:24-bookworm-slim

# What runs is JavaScript: an image starts faster when nothing has to be stripped from it first.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The compiler needs no install script, so none of somebody else's runs.
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src/
COPY jobs jobs/
COPY clients clients/
COPY tools/build-console.ts tools/
RUN npm run build
COPY LICENSE ./
COPY bin bin/
COPY sql sql/
# The console shows them to whoever is sent there by a check.
COPY docs/runbooks docs/runbooks/
# A checkout made under a strict umask is readable by its owner alone, and the image has another user.
RUN chmod -R a+rX,go-w LICENSE package.json bin sql docs dist

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY tools/prune-modules.mjs tools/
# Types, maps and tests of the dependencies are a third of their files' bytes, and nothing reads them.
RUN node tools/prune-modules.mjs node_modules

FROM ${NODE_IMAGE}
# Nothing is installed in a running container, so what could do that goes, and what scanners would find in it. A file system in
# memory takes the mode of the directory it covers and belongs to root, so the cache is open to whatever user there is.
RUN rm -rf /usr/local/lib/node_modules /usr/local/include/node /opt/yarn* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
 && echo 'quartermaster:x:10001:10001:quartermaster:/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'quartermaster:x:10001:' >> /etc/group \
 && install -d -m 1777 /var/cache/quartermaster \
 && ln -s /app/bin/quartermaster /usr/local/bin/quartermaster
WORKDIR /app
# All of it belongs to root: the process can read its program and cannot change it, on a writable file system either.
COPY --from=dependencies /app/node_modules node_modules/
COPY --from=build /app/LICENSE /app/package.json ./
COPY --from=build /app/bin bin/
COPY --from=build /app/sql sql/
COPY --from=build /app/docs docs/
COPY --from=build /app/dist dist/

# In a container somebody else decides who reaches a port. Temporary files go to /tmp, files of archives to the cache.
ENV NODE_ENV=production \
    QM_HOST=0.0.0.0 \
    QM_CACHE_DIR=/var/cache/quartermaster
EXPOSE 7070 7071

# By number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 10001:10001

# Node itself is process 1, so that SIGTERM reaches it; no shell and no npm stands in between.
ENTRYPOINT ["node", "/app/bin/quartermaster"]
CMD ["--help"]

# The orchestrator asks /healthz and /readyz, and no process is started for that in here.
HEALTHCHECK NONE

# Last, for they change with every build and nothing after them is built again.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Quartermaster" \
      org.opencontainers.image.description="A PostgreSQL ledger kept in calendar quarters: posted in batches, closed, archived to Parquet that proves itself, and fast for ever." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"
