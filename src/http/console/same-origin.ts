/**
 * Was this request made by a page of ours? Asked of every unsafe request (reliability.md D5): a browser says so in
 * `Sec-Fetch-Site`, and where it does not (plain http, other than loopback) in `Origin`. Who says neither is no browser.
 * `Host` is compared as it came: behind a proxy that ends TLS our own scheme is not known.
 */
export function isSameOrigin(headers: Headers): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const host = headers.get('host');
  const origin = headers.get('origin');
  return host !== null && origin !== null && URL.parse(origin)?.host === host;
}
