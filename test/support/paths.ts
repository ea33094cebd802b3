import { fileURLToPath } from 'node:url';

/** Where drizzle-kit writes the migrations. */
export const migrationsFolder = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url));
