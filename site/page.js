// The page works without this: it filters, copies, and knows what day it is.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);

  // Commands that name no address: the page's own, where it has one that a shell takes as it is.
  const here = new URL('.', location.href).href;
  if (/^https?:\/\/[A-Za-z0-9:/._~%-]+$/.test(here)) {
    for (const code of all('code[data-get]')) {
      const words = ['--from', here, ...(code.dataset.get === '' ? [] : [code.dataset.get])];
      code.textContent = `curl -fsSL ${here}get.sh | sh -s -- ${words.join(' ')}`;
    }
  }

  const month = new Date().toISOString().slice(0, 7);
  for (const state of all('[data-until]')) {
    if (month <= state.dataset.until) continue;
    state.classList.add('warn');
    state.textContent = state.dataset.ended;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without https there is no clipboard but by a field.
      const field = document.createElement('textarea');
      field.value = text;
      field.style.position = 'fixed';
      field.style.opacity = '0';
      document.body.append(field);
      field.select();
      const copied = document.execCommand('copy');
      field.remove();
      if (!copied) throw new Error('not copied');
    }
  }

  const told = one('#told');
  for (const button of all('.command .copy')) {
    button.hidden = false;
    let timer;
    button.addEventListener('click', async () => {
      const { textContent: text } = button.parentElement.querySelector('code');
      const done = await copy(text).then(
        () => true,
        () => false,
      );
      button.focus();
      button.textContent = done ? 'Copied' : 'Press Ctrl+C';
      if (!done) getSelection().selectAllChildren(button.parentElement.querySelector('code'));
      told.textContent = done ? 'Copied to the clipboard' : 'The command is selected';
      button.classList.toggle('done', done);
      clearTimeout(timer);
      timer = setTimeout(() => {
        button.textContent = 'Copy';
        button.classList.remove('done');
        told.textContent = '';
      }, 2000);
    });
  }

  // What is linked to is open.
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches('details')) target.open = true;
  };
  addEventListener('hashchange', open);
  open();

  const filter = one('.filter');
  if (filter === null) return;
  filter.hidden = false;
  const field = filter.querySelector('input');
  const choices = all('select', filter);
  const count = filter.querySelector('output');
  const targets = all('.target');

  function apply() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (target) =>
      words.every((word) => target.dataset.words.includes(word)) &&
      choices.every(({ name, value }) => value === '' || target.dataset[name] === value);
    const shown = new Set(targets.filter(fits).map(({ id }) => id));
    for (const target of targets) target.hidden = !shown.has(target.id);
    for (const chip of all('.matrix [data-target]')) chip.hidden = !shown.has(chip.dataset.target);
    for (const row of all('.matrix tbody tr'))
      row.hidden = all('[data-target]:not([hidden])', row).length === 0;
    for (const release of all('.release')) {
      release.hidden = all('.target:not([hidden])', release).length === 0;
    }
    const some = shown.size < targets.length;
    count.textContent = some
      ? `${shown.size} of ${targets.length} targets`
      : `${targets.length} target${targets.length === 1 ? '' : 's'}`;
    one('.nothing').hidden = shown.size > 0;
    one('.matrix').hidden = shown.size === 0;
  }

  const clear = () => {
    field.value = '';
    for (const choice of choices) choice.value = '';
    apply();
  };
  filter.addEventListener('input', apply);
  filter.addEventListener('submit', (event) => event.preventDefault());
  one('.nothing button').addEventListener('click', () => {
    clear();
    field.focus();
  });
  addEventListener('keydown', (event) => {
    const typing = event.target.matches?.('input, select, textarea');
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    }
    if (event.key === 'Escape' && event.target === field) clear();
  });
  apply();
})();
