// Keeps a page fresh: asks for it again, is held until it is another, and puts in what changed. Nothing that stays is touched,
// so scroll, focus and open details stay too.
(() => {
  'use strict';
  const root = document.documentElement, live = document.getElementById('live');
  const HOLD = 25, SOON = 20, PAUSE = 100, MOST = 10000;
  let tag = root.dataset.tag, asking, delay = PAUSE;

  const say = text => { if (live.textContent !== text) live.textContent = text; };
  const key = it => it.nodeType === 1 ? it.id || it.dataset.key || '' : '';
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);

  // Makes `old` what `fresh` is. Which details are open, and what is written into a field, is the reader's.
  function put(old, fresh) {
    if (old.nodeType !== 1) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.isEqualNode(fresh)) return;
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !['open', 'hidden'].includes(name)) old.removeAttribute(name);
    }
    const keyed = new Map([...old.childNodes].filter(key).map(it => [key(it), it]));
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const known = keyed.get(key(next));
      if (known && same(known, next)) {
        if (known === at) at = at.nextSibling; else old.insertBefore(known, at);
        put(known, next);
      } else if (!key(next) && at && same(at, next)) {
        const own = at;
        at = at.nextSibling;
        put(own, next);
      } else {
        old.insertBefore(document.importNode(next, true), at);
      }
    }
    while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    tag = fresh.documentElement.dataset.tag;
    document.title = fresh.title;
    put(document.getElementById('main'), fresh.getElementById('main'));
    put(document.querySelector('footer'), fresh.querySelector('footer'));
    buttons();
  }

  async function ask() {
    if (document.hidden || asking) return;
    asking = new AbortController();
    try {
      const answer = await fetch(location.href, {
        headers: { Accept: 'text/html', 'If-None-Match': tag, Prefer: 'wait=' + HOLD },
        cache: 'no-store', redirect: 'error', signal: asking.signal,
      });
      if (answer.status === 401) return location.reload();
      if (answer.status !== 304 && !answer.headers.get('ETag')) throw answer.status;
      if (answer.status !== 304) show(await answer.text());
      say(live.dataset.live);
      // One change seldom comes alone; who was not held may be one of too many.
      delay = answer.status === 304 ? PAUSE : SOON;
    } catch (problem) {
      if (problem.name !== 'AbortError') {
        say(live.dataset.lost);
        delay = Math.min(delay * 2, MOST);
      }
    }
    asking = null;
    setTimeout(ask, delay);
  }

  // A page that nobody sees holds no request: a browser has few connections for one service.
  document.addEventListener('visibilitychange', () => { if (document.hidden) asking?.abort(); else ask(); });

  function buttons() {
    for (const it of document.querySelectorAll('[data-copy]')) it.hidden = false;
  }

  document.addEventListener('click', async event => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    const pre = button.parentNode.querySelector('pre');
    try {
      await navigator.clipboard.writeText(pre.textContent);
    } catch {
      getSelection().selectAllChildren(pre);
      document.execCommand('copy');
    }
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });

  buttons();
  say(live.dataset.live);
  ask();
})();
