/** A site with ring-defaults' middleware: a session, a form that no other site can post, a message for the next page. */
import { map, pipe } from 'rxjs';
import { type Handler, html, runServer } from 'rx-http-kit';
import { antiForgeryToken, defaults, flash, params, regenerate, session, siteDefaults } from 'rx-http-kit/middleware';

const HEAD = '<!doctype html><title>login</title><meta name="color-scheme" content="light dark">';
const escape = (text: string): string => text.replace(/[&<"]/g, (character) => `&#${character.charCodeAt(0)};`);

const site: Handler = pipe(
  params(),
  session<{ user: string }>(),
  flash(),
  map((request) => {
    const {
      method,
      formParams,
      session: { user = 'stranger' },
      flash: said,
    } = request;
    const back = { status: 303, headers: { location: '/' }, body: null };
    if (method === 'POST') return { ...back, session: regenerate({ user: String(formParams['user']) }), flash: 'welcome' };
    const token = `<input type="hidden" name="__anti-forgery-token" value="${antiForgeryToken(request)}">`;
    const form = `<form method="post">${token}<label>name <input name="user" required></label> <button>log in</button></form>`;
    return html(`${HEAD}<p>${said === undefined ? '' : escape(String(said))} ${escape(user)}</p>${form}\n`);
  }),
);

const server = await runServer(defaults(siteDefaults)(site), { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
