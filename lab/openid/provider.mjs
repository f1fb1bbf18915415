// The lab's OpenID provider: oidc-provider with users and clients from a file.
//   node provider.mjs PORT FOLDER     FOLDER holds signing.key and realm.json
import fs from 'node:fs';
import path from 'node:path';
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { Provider, interactionPolicy } from 'oidc-provider';
import { TOKEN_EXCHANGE, exchangeGrant, passwordGrant } from './grants.mjs';
import { loginPage } from './login.mjs';
import { Realm } from './realm.mjs';

const [port, folder] = process.argv.slice(2);
const realm = new Realm(path.join(folder, 'realm.json'));
const signing = createPrivateKey(fs.readFileSync(path.join(folder, 'signing.key')));
const jwks = (key) => ({ keys: [{ ...key.export({ format: 'jwk' }), kid: 'lab', use: 'sig', alg: 'RS256' }] });

// What access tokens are for unless somebody exchanges them: home, and the sites that take them as they are.
const keystone = {
  audience: 'urn:keystone',
  info: () => ({
    scope: 'openid profile offline_access',
    audience: 'urn:keystone',
    accessTokenFormat: 'jwt',
    accessTokenTTL: realm.read().access_token_seconds,
    jwt: { sign: { alg: 'RS256' } },
  }),
};

// Nobody is asked for consent; oidc-provider would ask whoever is sent to a port of this machine.
const policy = interactionPolicy.base();
policy.get('consent').checks.remove('native_client_prompt');

const claims = (name) => ({ preferred_username: name, openstack_groups: realm.groups(name) });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: jwks(signing),
  clients: realm.read().clients,
  clientDefaults: { token_endpoint_auth_method: 'client_secret_basic' },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['openid', 'profile', 'offline_access'],
  claims: { profile: ['preferred_username', 'openstack_groups'] },
  conformIdTokenClaims: false, // WebSSO reads the ID token
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // WebSSO needs a token for /me instead.
      defaultResource: (ctx, client) => (client.clientId === 'home' ? undefined : keystone.audience),
      useGrantedResource: () => true,
      getResourceServerInfo: () => keystone.info(),
    },
  },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  // A token of an exchange has its own already.
  extraTokenClaims: (ctx, token) => (token.gty === TOKEN_EXCHANGE
    ? token.extra : claims(token.accountId ?? token.clientId)),
  findAccount: (ctx, name) => realm.user(name) && {
    accountId: name,
    claims: () => ({ sub: name, ...claims(name) }),
  },
  interactions: {
    policy,
    url: (ctx, interaction) => `/interaction/${interaction.uid}`,
  },
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({
      accountId: ctx.oidc.session.accountId,
      clientId: ctx.oidc.client.clientId,
    });
    grant.addOIDCScope('openid profile offline_access');
    grant.addResourceScope(keystone.audience, 'openid profile offline_access');
    await grant.save();
    return grant;
  },
  ttl: {
    AccessToken: (ctx, token) => token.resourceServer?.accessTokenTTL ?? realm.read().access_token_seconds,
    ClientCredentials: (ctx, token) => token.resourceServer.accessTokenTTL,
    Grant: 86400,
    IdToken: 900,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 86400,
  },
});

provider.registerGrantType(
  'password',
  passwordGrant(provider, realm, keystone),
  ['username', 'password', 'scope'],
);
provider.registerGrantType(
  TOKEN_EXCHANGE,
  exchangeGrant(provider, realm, keystone, jwks(createPublicKey(signing))),
  [
    ...['subject_token', 'subject_token_type', 'requested_token_type', 'audience'],
    ...['openstack_project', 'openstack_project_domain', 'openstack_roles'],
  ],
);
provider.use(loginPage(provider, realm));
provider.on('server_error', (ctx, error) => console.error('server error', error));
provider.on('grant.error', (ctx, error) => console.error('refused', error.message, error.error_detail ?? error.error_description));
provider.listen(Number(port), '127.0.0.1');
