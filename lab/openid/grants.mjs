// The two grants that oidc-provider does not bring: user name and password (for command lines), and
// the token exchange of RFC 8693, by which the gateway gets a token for one site, project and set of roles.
import { errors } from 'oidc-provider';
import { createLocalJWKSet, jwtVerify } from 'jose';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SITE = /^urn:site:[a-z0-9-]{1,64}$/;

function required(params, ...names) {
  for (const name of names) {
    if (!params[name]) throw new errors.InvalidRequest(`missing required parameter: ${name}`);
  }
}

export function passwordGrant(provider, realm, resourceServer) {
  return async (ctx) => {
    const { params, client } = ctx.oidc;
    required(params, 'username', 'password');
    const user = realm.user(params.username);
    if (!user || user.password !== params.password) {
      throw new errors.InvalidGrant('unknown user or wrong password');
    }
    const scope = params.scope || 'openid profile';
    const grant = new provider.Grant({ accountId: params.username, clientId: client.clientId });
    grant.addOIDCScope(scope);
    grant.addResourceScope(resourceServer.audience, scope);
    const owner = {
      accountId: params.username,
      client,
      grantId: await grant.save(),
      gty: 'password',
      scope,
      expiresWithSession: false,
    };
    const access = new provider.AccessToken(owner);
    access.resourceServer = new provider.ResourceServer(resourceServer.audience, resourceServer.info());
    const refresh = new provider.RefreshToken({ ...owner, resource: resourceServer.audience, rotations: 0 });
    ctx.oidc.entity('Grant', grant);
    ctx.body = {
      access_token: await access.save(),
      expires_in: access.expiration,
      refresh_token: await refresh.save(),
      scope,
      token_type: access.tokenType,
    };
  };
}

export function exchangeGrant(provider, realm, resourceServer, jwks) {
  const keys = createLocalJWKSet(jwks);
  return async (ctx) => {
    const { params, client } = ctx.oidc;
    required(params, 'subject_token', 'subject_token_type', 'audience');
    required(params, 'openstack_project', 'openstack_project_domain', 'openstack_roles');
    const wanted = [params.subject_token_type, params.requested_token_type ?? ACCESS_TOKEN];
    if (wanted.some((type) => type !== ACCESS_TOKEN)) {
      throw new errors.InvalidRequest('only access tokens can be exchanged');
    }
    if (!SITE.test(params.audience)) throw new errors.InvalidTarget('no such site');

    // What was exchanged once has a site as its audience, so it cannot be exchanged again.
    const expected = { issuer: provider.issuer, audience: resourceServer.audience, typ: 'at+jwt' };
    const { payload: subject } = await jwtVerify(params.subject_token, keys, expected).catch((problem) => {
      throw new errors.InvalidRequest(`subject_token: ${problem.message}`);
    });
    if (!realm.user(subject.sub)) throw new errors.InvalidRequest('subject_token: not of a user');

    const domain = params.openstack_project_domain;
    const had = realm.roles(subject.sub, domain, params.openstack_project);
    const roles = params.openstack_roles.split(' ').filter((role) => had.includes(role));
    if (roles.length === 0) throw new errors.InvalidScope('the user has none of these roles there');

    const left = subject.exp - Math.floor(Date.now() / 1000);
    const info = resourceServer.info();
    const access = new provider.AccessToken({
      accountId: subject.sub,
      client,
      gty: TOKEN_EXCHANGE,
      expiresWithSession: false,
      extra: {
        preferred_username: subject.preferred_username,
        openstack_project: params.openstack_project,
        openstack_project_domain: domain,
        openstack_roles: roles,
        act: { sub: client.clientId },
      },
    });
    access.resourceServer = new provider.ResourceServer(params.audience, {
      ...info,
      audience: params.audience,
      accessTokenTTL: Math.min(left, info.accessTokenTTL),
    });
    ctx.body = {
      access_token: await access.save(),
      expires_in: access.expiration,
      issued_token_type: ACCESS_TOKEN,
      token_type: access.tokenType,
    };
  };
}
