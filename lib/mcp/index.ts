/** `agentyard/mcp`: agents as an MCP server, and the tools of other MCP servers as agents. */
export { type McpAgents, type McpAgentsOptions, type McpSource, mcpAgents } from './client.js';
export { type FaceError, faceErrorOf } from './face-error.js';
export { McpHttp, type McpHttpOptions, type McpHttpRequest } from './http.js';
export { type CallHints, createMcpServer, type McpServerOptions } from './server.js';
export { type McpStdio, type McpStdioOptions, serveMcpStdio } from './stdio.js';
