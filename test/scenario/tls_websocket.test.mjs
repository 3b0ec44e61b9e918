// WebSockets of core/http over TLS: the same tests.
import { websocketTests } from './lib/websocket.mjs';

process.env.HTTP_TEST_TLS = '1';
websocketTests();
