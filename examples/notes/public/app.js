/** The page. Whatever somebody wrote is shown by `textContent`: it is text, and never becomes markup. */
const element = (selector, parent = document) => parent.querySelector(selector);
const notes = element('#notes');
const form = element('#write');

const { user, token, said } = await (await fetch('/api/session')).json();
for (const field of document.getElementsByName('__anti-forgery-token')) field.value = token;

if (user === undefined) {
  element('#said').textContent = said ?? '';
  element('#enter').hidden = false;
} else {
  element('#user').textContent = user;
  element('#leave').hidden = element('main').hidden = false;
  await follow();
}

/** The notes of now, then every change behind them: the cursor sees to it that nothing is missed between the two. */
async function follow() {
  const { notes: all, cursor } = await (await fetch('/api/notes')).json();
  notes.replaceChildren(...all.map(card).reverse());

  const live = new EventSource(`/api/live?cursor=${encodeURIComponent(cursor)}`); // comes back by itself, from where it was
  live.onopen = () => tell('live');
  live.onerror = () => tell(live.readyState === EventSource.CLOSED ? 'offline' : 'connecting …');
  live.onmessage = ({ data }) => apply(JSON.parse(data));
  live.addEventListener('reset', () => {
    live.close(); // away for longer than the server remembers
    follow();
  });
}

function apply({ written, removed }) {
  if (written !== undefined) notes.prepend(card(written));
  else document.getElementById(removed)?.remove();
}

function card({ id, author, text, writtenAt, attachment }) {
  const item = element('template').content.firstElementChild.cloneNode(true);
  item.id = id;
  element('.text', item).textContent = text;
  element('.author', item).textContent = author;
  const time = element('time', item);
  time.dateTime = writtenAt;
  time.textContent = new Date(writtenAt).toLocaleTimeString([], { timeStyle: 'short' });
  if (attachment !== undefined) {
    const link = element('.attachment', item);
    link.href = `/api/notes/${id}/attachment`;
    link.textContent = attachment;
    link.hidden = false;
  }
  const remove = element('.remove', item);
  remove.hidden = author !== user;
  remove.onclick = () => send(`/api/notes/${id}`, { method: 'DELETE' });
  return item;
}

form.onsubmit = async (event) => {
  event.preventDefault();
  if (await send('/api/notes', { method: 'POST', body: new FormData(form) })) form.reset(); // the note itself comes live, as to all
};

async function send(url, init) {
  const response = await fetch(url, { ...init, headers: { 'x-csrf-token': token } }).catch(() => undefined);
  element('#refused').textContent = response?.ok ? '' : await reasonOf(response);
  return response?.ok;
}

async function reasonOf(response) {
  if (response === undefined) return 'The server does not answer.';
  const text = await response.text();
  const isProblem = response.headers.get('content-type') === 'application/problem+json';
  return isProblem
    ? JSON.parse(text)
        .errors.map(({ message }) => message)
        .join(', ')
    : text;
}

function tell(state) {
  element('#state').textContent = state;
  element('#state').className = state;
}
