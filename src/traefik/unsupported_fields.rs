//! Structures that Traefik knows but drops from labels (`label:"-"`): only their names matter, a wrong one is an error.

use super::schema::{Kind, Record, Shape, dropped, strict};
use super::{http, tcp};

pub(crate) static SERVERS_TRANSPORT: Shape = Shape {
    name: "dynamic.ServersTransport",
    fields: &[
        dropped("certificates", Kind::Records(&CERTIFICATE)),
        dropped("cipherSuites", Kind::Texts),
        dropped("disableHTTP2", Kind::Scalar("string")),
        strict("forwardingTimeouts", Kind::Record(&FORWARDING_TIMEOUTS)),
        dropped("insecureSkipVerify", Kind::Scalar("string")),
        dropped("maxIdleConnsPerHost", Kind::Scalar("string")),
        dropped("maxVersion", Kind::Scalar("string")),
        dropped("minVersion", Kind::Scalar("string")),
        dropped("peerCertURI", Kind::Scalar("string")),
        dropped("rootCAs", Kind::Texts),
        dropped("serverName", Kind::Scalar("string")),
        dropped("spiffe", Kind::Record(&SPIFFE)),
    ],
};

pub(crate) static ROUTER_DENIED_ENCODED_PATH_CHARACTERS: Shape = Shape {
    name: "dynamic.RouterDeniedEncodedPathCharacters",
    fields: &[
        dropped("allowEncodedBackSlash", Kind::Scalar("string")),
        dropped("allowEncodedHash", Kind::Scalar("string")),
        dropped("allowEncodedNullCharacter", Kind::Scalar("string")),
        dropped("allowEncodedPercent", Kind::Scalar("string")),
        dropped("allowEncodedQuestionMark", Kind::Scalar("string")),
        dropped("allowEncodedSemicolon", Kind::Scalar("string")),
        dropped("allowEncodedSlash", Kind::Scalar("string")),
    ],
};

pub(crate) static OBSERVABILITY_METADATA: Shape =
    Shape { name: "dynamic.ObservabilityMetadata", fields: &[dropped("ingress", Kind::Record(&KUBERNETES_METADATA))] };

pub(crate) static FAILOVER: Shape = Shape {
    name: "dynamic.Failover",
    fields: &[
        strict("errors", Kind::Record(&FAILOVER_ERROR)),
        dropped("fallback", Kind::Scalar("string")),
        dropped("healthCheck", Kind::Record(&HEALTH_CHECK)),
        dropped("service", Kind::Scalar("string")),
    ],
};

pub(crate) static HIGHEST_RANDOM_WEIGHT: Shape = Shape {
    name: "dynamic.HighestRandomWeight",
    fields: &[dropped("healthCheck", Kind::Record(&HEALTH_CHECK)), dropped("services", Kind::Records(&HRWSERVICE))],
};

pub(crate) static MIRRORING: Shape = Shape {
    name: "dynamic.Mirroring",
    fields: &[
        dropped("healthCheck", Kind::Record(&HEALTH_CHECK)),
        dropped("maxBodySize", Kind::Scalar("string")),
        dropped("mirrorBody", Kind::Scalar("string")),
        dropped("mirrors", Kind::Records(&MIRROR_SERVICE)),
        dropped("service", Kind::Scalar("string")),
    ],
};

pub(crate) static SERVICE_OBSERVABILITY_CONFIG: Shape = Shape {
    name: "dynamic.ServiceObservabilityConfig",
    fields: &[dropped("metadata", Kind::Record(&SERVICE_OBSERVABILITY_METADATA))],
};

pub(crate) static WEIGHTED_ROUND_ROBIN: Shape = Shape {
    name: "dynamic.WeightedRoundRobin",
    fields: &[
        dropped("healthCheck", Kind::Record(&HEALTH_CHECK)),
        dropped("services", Kind::Records(&WRRSERVICE)),
        strict("sticky", Kind::Record(<http::Sticky as Record>::SHAPE)),
    ],
};

pub(crate) static URLREWRITE: Shape = Shape {
    name: "dynamic.URLRewrite",
    fields: &[
        dropped("hostname", Kind::Scalar("string")),
        dropped("path", Kind::Scalar("string")),
        dropped("pathPrefix", Kind::Scalar("string")),
    ],
};

pub(crate) static APP_ROOT: Shape =
    Shape { name: "dynamic.AppRoot", fields: &[dropped("path", Kind::Scalar("string"))] };

pub(crate) static AUTH_TLSPASS_CERTIFICATE_TO_UPSTREAM: Shape = Shape {
    name: "dynamic.AuthTLSPassCertificateToUpstream",
    fields: &[dropped("cAFiles", Kind::Texts), dropped("clientAuthType", Kind::Scalar("string"))],
};

pub(crate) static HEADER_MODIFIER: Shape = Shape {
    name: "dynamic.HeaderModifier",
    fields: &[strict("add", Kind::TextMap), dropped("remove", Kind::Texts), strict("set", Kind::TextMap)],
};

pub(crate) static REQUEST_REDIRECT: Shape = Shape {
    name: "dynamic.RequestRedirect",
    fields: &[
        dropped("hostname", Kind::Scalar("string")),
        dropped("path", Kind::Scalar("string")),
        dropped("pathPrefix", Kind::Scalar("string")),
        dropped("port", Kind::Scalar("string")),
        dropped("scheme", Kind::Scalar("string")),
        dropped("statusCode", Kind::Scalar("string")),
    ],
};

pub(crate) static REWRITE_TARGET: Shape = Shape {
    name: "dynamic.RewriteTarget",
    fields: &[
        dropped("regex", Kind::Scalar("string")),
        dropped("replacement", Kind::Scalar("string")),
        dropped("xForwardedPrefix", Kind::Scalar("string")),
    ],
};

pub(crate) static SNIPPET: Shape = Shape {
    name: "dynamic.Snippet",
    fields: &[
        strict("auth", Kind::Record(&AUTH)),
        dropped("configurationSnippet", Kind::Scalar("string")),
        dropped("serverSnippet", Kind::Scalar("string")),
    ],
};

pub(crate) static UPSTREAM_VHOST: Shape = Shape {
    name: "dynamic.UpstreamVHost",
    fields: &[dropped("vHost", Kind::Scalar("string")), strict("vars", Kind::TextMap)],
};

pub(crate) static CERTIFICATE: Shape = Shape {
    name: "tls.Certificate",
    fields: &[dropped("certFile", Kind::Scalar("string")), dropped("keyFile", Kind::Scalar("string"))],
};

pub(crate) static TCPMODEL: Shape =
    Shape { name: "dynamic.TCPModel", fields: &[dropped("defaultRuleSyntax", Kind::Scalar("string"))] };

pub(crate) static TCPSERVERS_TRANSPORT: Shape = Shape {
    name: "dynamic.TCPServersTransport",
    fields: &[
        dropped("dialKeepAlive", Kind::Scalar("string")),
        dropped("dialTimeout", Kind::Scalar("string")),
        dropped("proxyProtocol", Kind::Record(<tcp::ProxyProtocol as Record>::SHAPE)),
        dropped("terminationDelay", Kind::Scalar("string")),
        dropped("tLS", Kind::Record(&TLSCLIENT_CONFIG)),
    ],
};

pub(crate) static TCPWEIGHTED_ROUND_ROBIN: Shape = Shape {
    name: "dynamic.TCPWeightedRoundRobin",
    fields: &[dropped("healthCheck", Kind::Record(&HEALTH_CHECK)), dropped("services", Kind::Records(&TCPWRRSERVICE))],
};

pub(crate) static UDPWEIGHTED_ROUND_ROBIN: Shape =
    Shape { name: "dynamic.UDPWeightedRoundRobin", fields: &[dropped("services", Kind::Records(&UDPWRRSERVICE))] };

pub(crate) static FORWARDING_TIMEOUTS: Shape = Shape {
    name: "dynamic.ForwardingTimeouts",
    fields: &[
        dropped("dialTimeout", Kind::Scalar("string")),
        dropped("idleConnTimeout", Kind::Scalar("string")),
        dropped("pingTimeout", Kind::Scalar("string")),
        dropped("readIdleTimeout", Kind::Scalar("string")),
        dropped("readTimeout", Kind::Scalar("string")),
        dropped("responseHeaderTimeout", Kind::Scalar("string")),
        dropped("writeTimeout", Kind::Scalar("string")),
    ],
};

pub(crate) static SPIFFE: Shape = Shape {
    name: "dynamic.Spiffe",
    fields: &[dropped("iDs", Kind::Texts), dropped("trustDomain", Kind::Scalar("string"))],
};

pub(crate) static KUBERNETES_METADATA: Shape = Shape {
    name: "dynamic.KubernetesMetadata",
    fields: &[
        dropped("kind", Kind::Scalar("string")),
        dropped("name", Kind::Scalar("string")),
        dropped("namespace", Kind::Scalar("string")),
    ],
};

pub(crate) static FAILOVER_ERROR: Shape = Shape {
    name: "dynamic.FailoverError",
    fields: &[dropped("maxRequestBodyBytes", Kind::Scalar("string")), dropped("status", Kind::Texts)],
};

pub(crate) static HEALTH_CHECK: Shape = Shape { name: "dynamic.HealthCheck", fields: &[] };

pub(crate) static HRWSERVICE: Shape = Shape {
    name: "dynamic.HRWService",
    fields: &[dropped("name", Kind::Scalar("string")), dropped("weight", Kind::Scalar("string"))],
};

pub(crate) static MIRROR_SERVICE: Shape = Shape {
    name: "dynamic.MirrorService",
    fields: &[dropped("name", Kind::Scalar("string")), dropped("percent", Kind::Scalar("string"))],
};

pub(crate) static SERVICE_OBSERVABILITY_METADATA: Shape = Shape {
    name: "dynamic.ServiceObservabilityMetadata",
    fields: &[strict("kubernetes", Kind::Record(&KUBERNETES_SERVICE_METADATA))],
};

pub(crate) static WRRSERVICE: Shape = Shape {
    name: "dynamic.WRRService",
    fields: &[
        dropped("gRPCStatus", Kind::Record(&GRPCSTATUS)),
        dropped("headers", Kind::TextMap),
        dropped("name", Kind::Scalar("string")),
        dropped("status", Kind::Scalar("string")),
        dropped("weight", Kind::Scalar("string")),
    ],
};

pub(crate) static AUTH: Shape = Shape {
    name: "dynamic.Auth",
    fields: &[
        dropped("address", Kind::Scalar("string")),
        dropped("authResponseHeaders", Kind::Texts),
        dropped("authSigninURL", Kind::Scalar("string")),
        dropped("method", Kind::Scalar("string")),
        dropped("snippet", Kind::Scalar("string")),
    ],
};

pub(crate) static TLSCLIENT_CONFIG: Shape = Shape {
    name: "dynamic.TLSClientConfig",
    fields: &[
        dropped("certificates", Kind::Records(&CERTIFICATE)),
        dropped("insecureSkipVerify", Kind::Scalar("string")),
        dropped("peerCertURI", Kind::Scalar("string")),
        dropped("rootCAs", Kind::Texts),
        dropped("serverName", Kind::Scalar("string")),
        dropped("spiffe", Kind::Record(&SPIFFE)),
    ],
};

pub(crate) static TCPWRRSERVICE: Shape = Shape {
    name: "dynamic.TCPWRRService",
    fields: &[dropped("name", Kind::Scalar("string")), dropped("weight", Kind::Scalar("string"))],
};

pub(crate) static UDPWRRSERVICE: Shape = Shape {
    name: "dynamic.UDPWRRService",
    fields: &[dropped("name", Kind::Scalar("string")), dropped("weight", Kind::Scalar("string"))],
};

pub(crate) static KUBERNETES_SERVICE_METADATA: Shape = Shape {
    name: "dynamic.KubernetesServiceMetadata",
    fields: &[
        dropped("name", Kind::Scalar("string")),
        dropped("namespace", Kind::Scalar("string")),
        dropped("port", Kind::Scalar("string")),
    ],
};

pub(crate) static GRPCSTATUS: Shape = Shape {
    name: "dynamic.GRPCStatus",
    fields: &[dropped("code", Kind::Scalar("string")), dropped("msg", Kind::Scalar("string"))],
};
