/* A link from another site comes without the cookie (SameSite=Strict): our own request brings it along. */

async function lookAgain(): Promise<void> {
  const response = await fetch(location.href, { headers: { 'draftdesk-live': '1' } });
  if (response.ok && !(await response.text()).includes('data-signed-out')) location.reload();
}

if (document.body.dataset['signedOut'] !== undefined && location.pathname !== '/login') void lookAgain();

// the address says that one has just signed in: of use to nobody after this
if (new URLSearchParams(location.search).has('signed-in') && document.body.dataset['signedOut'] === undefined) {
  const url = new URL(location.href);
  url.searchParams.delete('signed-in');
  history.replaceState(null, '', url);
}
