# syntax=docker/dockerfile:1
# Draftdesk: one process, one SQLite file. Build: docker build -t draftdesk .   Run: deploy/compose.yaml

FROM node:24-slim AS build
WORKDIR /app
COPY . .
# `prepare` bundles; better-sqlite3 brings its binary along, nothing is compiled
RUN npm ci --no-audit --no-fund && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
LABEL org.opencontainers.image.title="Draftdesk" org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8787 DATABASE_URL=file:/data/draftdesk.db
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/migrations ./migrations
COPY --from=build /app/CHANGELOG.md /app/LICENSE ./
# The volume takes over owner and mode of this folder when it is first made
RUN mkdir /data && chown node:node /data && chmod 700 /data
USER node
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))"]
# 512 MB of memory are enough (some 100 MB idle): the old generation must end before the container's limit does
ENTRYPOINT ["node", "--max-semi-space-size=4", "--max-old-space-size=384", "dist/draftdesk.js"]
CMD ["serve"]
