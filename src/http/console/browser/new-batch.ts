/* The form that starts a batch: its estimate is asked for when the form changes; a file of ids is read here. */

/** Nobody wants an estimate of a half-typed form, ms. */
const PAUSE_MS = 600;

const form = document.querySelector<HTMLFormElement>('form[data-estimate]');
const result = document.getElementById('estimate');

let asked = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** What stands there is no longer true. */
function invalidate(): void {
  asked += 1;
  clearTimeout(timer);
  for (const button of result?.querySelectorAll('button') ?? []) button.disabled = true;
  result?.querySelector('input[name="estimated"]')?.remove();
}

async function estimate(of: HTMLFormElement, into: HTMLElement): Promise<void> {
  const turn = ++asked;
  into.setAttribute('aria-busy', 'true');
  const answer = await fetch(of.dataset['estimate'] ?? '', { method: 'POST', body: new FormData(of) }).catch(
    () => null,
  );
  const text = (await answer?.text().catch(() => '')) ?? '';
  if (turn !== asked) return;
  into.removeAttribute('aria-busy');
  const page = new DOMParser().parseFromString(text, 'text/html');
  const newer = page.getElementById('estimate');
  if (newer === null) into.textContent = 'The estimate did not arrive. Press "Estimate" to try again.';
  else into.replaceChildren(...newer.childNodes);
  for (const said of of.querySelectorAll('.wrong')) mark(said, page.getElementById(said.id)?.textContent ?? '', of);
}

/** Says beside a field what is wrong with it; nothing for a good one. */
function mark(said: Element, message: string, of: HTMLFormElement): void {
  said.textContent = message;
  const field = of.elements.namedItem(said.id.replace(/-wrong$/, ''));
  if (!(field instanceof HTMLElement)) return;
  if (message === '') field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
}

/** Is there anything to estimate? */
function isFilled(of: HTMLFormElement): boolean {
  const data = new FormData(of);
  const fields = data.get('from') === 'filter' ? FILTER : ['ids'];
  return fields.some((name) => data.get(name) !== '');
}

const FILTER = ['status', 'tags', 'group', 'createdSince', 'createdUntil', 'updatedSince', 'updatedUntil'];

async function takeFile(input: HTMLInputElement, ids: HTMLTextAreaElement): Promise<void> {
  const file = input.files?.[0];
  if (file === undefined) return;
  const text = await file.text();
  ids.value = [ids.value.trim(), text.trim()].filter((part) => part !== '').join('\n');
  // it stands in the field above now, and is not to be sent twice
  input.value = '';
  ids.dispatchEvent(new Event('change', { bubbles: true }));
}

if (form !== null && result !== null) {
  const isName = (event: Event): boolean => (event.target as HTMLInputElement).name === 'name';
  form.addEventListener('input', (event) => {
    if (!isName(event)) invalidate();
  });
  form.addEventListener('change', (event) => {
    const { target } = event;
    if (target instanceof HTMLInputElement && target.type === 'file') {
      const ids = form.elements.namedItem('ids');
      if (ids instanceof HTMLTextAreaElement) void takeFile(target, ids);
      return;
    }
    if (isName(event)) return;
    invalidate();
    if (isFilled(form)) timer = setTimeout(() => void estimate(form, result), PAUSE_MS);
  });
  form.addEventListener('submit', (event) => {
    if (event.submitter?.getAttribute('formaction') !== form.dataset['estimate']) return;
    event.preventDefault();
    invalidate();
    void estimate(form, result);
  });
}
