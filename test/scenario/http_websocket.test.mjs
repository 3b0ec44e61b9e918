// WebSockets of core/http, without TLS.
import { websocketTests } from './lib/websocket.mjs';

websocketTests();
