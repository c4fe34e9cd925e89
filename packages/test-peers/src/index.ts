export { type Broker, type BrokerKind, type BrokerOptions, brokerKinds, startBroker } from './broker.js';
export { type Bus, dbusDaemonMissing, startBus } from './bus.js';
export { type CertificateOptions, type Certificates, createCertificates } from './certificates.js';
export { type MuteServer, startMuteServer } from './mute-server.js';
export { PeerProcess, type PeerProgram } from './peer-process.js';
export { freePort, stopProcess, waitFor } from './processes.js';
export { type ProxyTap, TcpProxy } from './tcp-proxy.js';
