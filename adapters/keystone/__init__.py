"""The one package that knows keystoneauth1. Everything in it blocks: it runs in threads.

login         the gateway's own account at a Keystone, with a token that is renewed
exchange      a token of home -> a token of a site, by Keystone-to-Keystone federation
logins        an access token, or a user and a password -> a token of a site
tokens        what a site says of a token, and its end
form          a question to a server that is no Keystone
conversation  what all of them have in common
"""
