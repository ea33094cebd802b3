/* Forms: asked about where they ask, and sent once. */

document.addEventListener('submit', (event) => {
  const form = event.target;
  // who prevented it sends the form in another way
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  const question = form.dataset['confirm'];
  // the page's own button may stay pressed: a second click would do it twice
  if (form.dataset['sent'] !== undefined || (question !== undefined && !window.confirm(question))) {
    event.preventDefault();
    return;
  }
  if (form.method === 'post') form.dataset['sent'] = '';
});

// a page that comes back from the browser's history
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll<HTMLFormElement>('form[data-sent]')) delete form.dataset['sent'];
});
