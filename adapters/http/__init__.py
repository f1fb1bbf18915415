"""HTTP/1.1 as a proxy needs it of a client: exact, over kept connections, and at little cost.

head         a request's head as it goes over the wire                        pure
connection   one connection: a request out, an answer in
pool         the connections to all hosts, as many to each as it may have

How an answer is to be read is for llhttp to know (httptools), the parser of Node.js, in its strict way.
`adapters.client` is the only one to use this.
"""
