// A certified OpenID Connect provider (the package oidc-provider) on this machine, for one person, without questions.
// Arguments: the folder that holds the package, and this platform's redirect address. Prints its address.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [folder, redirect] = process.argv.slice(2);
const require = createRequire(`${folder}/x.js`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const person = {
  sub: 'tess', email: 'tess@example.org', email_verified: true, name: 'Tess Team', groups: ['census-team'],
};
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'census',
      client_secret: 'a secret of the client and the provider',
      redirect_uris: [redirect],
    }],
    claims: { openid: ['sub'], email: ['email', 'email_verified', 'groups'], profile: ['name'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...person, sub: id }) }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
