// The learning platform's notification service, in plain Node: nothing in it knows of the mesh.
const http = require("http");

const server = http.createServer((request, response) => {
  request.resume();
  const answer = request.url === "/healthz"
    ? { status: "ok" }
    : {
        service: "notification", version: "node", path: request.url,
        instance: process.env.WEFT_INSTANCE || "notification",
      };
  const body = JSON.stringify(answer) + "\n";
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
});

// The sidecar lets go of an idle connection after 3 s; this side must be the more patient one.
server.keepAliveTimeout = 30000;
server.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
