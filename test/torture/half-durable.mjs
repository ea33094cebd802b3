import Database from 'better-sqlite3';

/*
 * Loaded before the service (NODE_OPTIONS=--import …): takes its synchronous=FULL away, to show that the service
 * notices, and, with TORTURE_HIDE=1, that a replay of power cuts finds what is lost when nobody notices.
 */
// called with its own connection below
const pragma = Reflect.get(Database.prototype, 'pragma');
Database.prototype.pragma = function halfDurable(source, options) {
  if (/^synchronous\s*=/.test(source)) return pragma.call(this, 'synchronous = NORMAL', options);
  if (source === 'synchronous' && process.env['TORTURE_HIDE'] === '1') return 2;
  return pragma.call(this, source, options);
};
