// The page on which a user of the provider logs in with a browser. Consent is not asked for.
const MOST = 10_000; // characters of a form

const page = (message) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in</title></head>
<body><h1>Log in</h1>${message && `<p role="alert">${message}</p>`}
<form method="post">
<label>User name <input name="username" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Log in</button>
</form></body></html>`;

async function form(ctx) {
  let text = '';
  for await (const piece of ctx.req) {
    text += piece;
    if (text.length > MOST) ctx.throw(413);
  }
  return new URLSearchParams(text);
}

export function loginPage(provider, realm) {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    await provider.interactionDetails(ctx.req, ctx.res); // throws when nobody has asked for a login
    ctx.set('cache-control', 'no-store');
    if (ctx.method !== 'POST') {
      ctx.body = page('');
      return undefined;
    }
    const given = await form(ctx);
    const user = realm.user(given.get('username'));
    if (!user || user.password !== given.get('password')) {
      ctx.status = 401;
      ctx.body = page('Unknown user or wrong password.');
      return undefined;
    }
    const result = { login: { accountId: given.get('username') } };
    await provider.interactionFinished(ctx.req, ctx.res, result);
    ctx.respond = false;
    return undefined;
  };
}
