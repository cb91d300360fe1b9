//! The HTTP middlewares, one structure each.

use std::collections::BTreeMap;

use super::duration::Duration;
use super::plugin::Plugin;
use super::schema::{Kind, record};
use super::tls;
use super::unsupported_fields::{
    APP_ROOT, AUTH_TLSPASS_CERTIFICATE_TO_UPSTREAM, HEADER_MODIFIER, REQUEST_REDIRECT, REWRITE_TARGET, SNIPPET,
    UPSTREAM_VHOST, URLREWRITE,
};

record! {
    /// A middleware; one of its fields says which.
    pub struct Middleware = "dynamic.Middleware" {
        add_prefix: Box<AddPrefix> = "addPrefix", (3, 0, 0), Plain;
        basic_auth: Box<BasicAuth> = "basicAuth", (3, 0, 0), Plain;
        buffering: Box<Buffering> = "buffering", (3, 0, 0), Plain;
        chain: Box<Chain> = "chain", (3, 0, 0), Plain;
        circuit_breaker: Box<CircuitBreaker> = "circuitBreaker", (3, 0, 0), Plain;
        compress: Box<Compress> = "compress", (3, 0, 0), AllowEmpty;
        content_type: Box<ContentType> = "contentType", (3, 0, 0), AllowEmpty;
        digest_auth: Box<DigestAuth> = "digestAuth", (3, 0, 0), Plain;
        encoded_characters: Box<EncodedCharacters> = "encodedCharacters", (3, 7, 0), Plain;
        errors: Box<ErrorPage> = "errors", (3, 0, 0), Plain;
        forward_auth: Box<ForwardAuth> = "forwardAuth", (3, 0, 0), Plain;
        grpc_web: Box<GrpcWeb> = "grpcWeb", (3, 0, 0), Plain;
        headers: Box<Headers> = "headers", (3, 0, 0), Plain;
        in_flight_req: Box<InFlightReq> = "inFlightReq", (3, 0, 0), Plain;
        ip_allow_list: Box<IpAllowList> = "ipAllowList", (3, 0, 0), Plain;
        ip_white_list: Box<IpWhiteList> = "ipWhiteList", (3, 0, 0), Plain;
        pass_tls_client_cert: Box<PassTlsClientCert> = "passTLSClientCert", (3, 0, 0), Plain;
        plugin: BTreeMap<String, Plugin> = "plugin", (3, 0, 0), Plain;
        rate_limit: Box<RateLimit> = "rateLimit", (3, 0, 0), Plain;
        redirect_regex: Box<RedirectRegex> = "redirectRegex", (3, 0, 0), Plain;
        redirect_scheme: Box<RedirectScheme> = "redirectScheme", (3, 0, 0), Plain;
        replace_path: Box<ReplacePath> = "replacePath", (3, 0, 0), Plain;
        replace_path_regex: Box<ReplacePathRegex> = "replacePathRegex", (3, 0, 0), Plain;
        retry: Box<Retry> = "retry", (3, 0, 0), Plain;
        strip_prefix: Box<StripPrefix> = "stripPrefix", (3, 0, 0), Plain;
        strip_prefix_regex: Box<StripPrefixRegex> = "stripPrefixRegex", (3, 0, 0), Plain;
    }
    dropped {
        "uRLRewrite": Kind::Record(&URLREWRITE);
        "appRoot": Kind::Record(&APP_ROOT);
        "authTLSPassCertificateToUpstream": Kind::Record(&AUTH_TLSPASS_CERTIFICATE_TO_UPSTREAM);
        "requestHeaderModifier": Kind::Record(&HEADER_MODIFIER);
        "requestRedirect": Kind::Record(&REQUEST_REDIRECT);
        "responseHeaderModifier": Kind::Record(&HEADER_MODIFIER);
        "rewriteTarget": Kind::Record(&REWRITE_TARGET);
        "snippet": Kind::Record(&SNIPPET);
        "upstreamVHost": Kind::Record(&UPSTREAM_VHOST);
    }
}

record! {
    /// The settings of `addPrefix`.
    pub struct AddPrefix = "dynamic.AddPrefix" {
        prefix: String = "prefix", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `basicAuth`.
    pub struct BasicAuth = "dynamic.BasicAuth" {
        header_field: String = "headerField", (3, 0, 0), Plain;
        realm: String = "realm", (3, 0, 0), Plain;
        remove_header: bool = "removeHeader", (3, 0, 0), Plain;
        users: Vec<String> = "users", (3, 0, 0), Plain;
        users_file: String = "usersFile", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `buffering`.
    pub struct Buffering = "dynamic.Buffering" {
        max_request_body_bytes: i64 = "maxRequestBodyBytes", (3, 0, 0), Plain;
        max_response_body_bytes: i64 = "maxResponseBodyBytes", (3, 0, 0), Plain;
        mem_request_body_bytes: i64 = "memRequestBodyBytes", (3, 0, 0), Plain;
        mem_response_body_bytes: i64 = "memResponseBodyBytes", (3, 0, 0), Plain;
        retry_expression: String = "retryExpression", (3, 0, 0), Plain;
    }
    dropped {
        "disableRequestBuffer": Kind::Scalar("string");
        "disableResponseBuffer": Kind::Scalar("string");
    }
}

record! {
    /// The settings of `chain`.
    pub struct Chain = "dynamic.Chain" {
        middlewares: Vec<String> = "middlewares", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `circuitBreaker`.
    pub struct CircuitBreaker = "dynamic.CircuitBreaker" {
        check_period: Duration = "checkPeriod", (3, 0, 0), Plain, default Duration::parse("100ms");
        expression: String = "expression", (3, 0, 0), Plain;
        fallback_duration: Duration = "fallbackDuration", (3, 0, 0), Plain, default Duration::parse("10s");
        recovery_duration: Duration = "recoveryDuration", (3, 0, 0), Plain, default Duration::parse("10s");
        response_code: i64 = "responseCode", (3, 0, 0), Plain, default Some(503);
    }
}

record! {
    /// The settings of `compress`.
    pub struct Compress = "dynamic.Compress" {
        default_encoding: String = "defaultEncoding", (3, 0, 2), Plain;
        encodings: Vec<String> = "encodings", (3, 2, 0), Plain, default Some(vec!["gzip".to_owned(), "br".to_owned(), "zstd".to_owned()]);
        excluded_content_types: Vec<String> = "excludedContentTypes", (3, 0, 0), Plain;
        included_content_types: Vec<String> = "includedContentTypes", (3, 0, 0), Plain;
        min_response_body_bytes: i64 = "minResponseBodyBytes", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `contentType`.
    pub struct ContentType = "dynamic.ContentType" {
        auto_detect: bool = "autoDetect", (3, 0, 0), Pointer;
    }
}

record! {
    /// The settings of `digestAuth`.
    pub struct DigestAuth = "dynamic.DigestAuth" {
        header_field: String = "headerField", (3, 0, 0), Plain;
        realm: String = "realm", (3, 0, 0), Plain;
        remove_header: bool = "removeHeader", (3, 0, 0), Plain;
        users: Vec<String> = "users", (3, 0, 0), Plain;
        users_file: String = "usersFile", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `encodedCharacters`.
    pub struct EncodedCharacters = "dynamic.EncodedCharacters" {
        allow_encoded_back_slash: bool = "allowEncodedBackSlash", (3, 7, 0), Plain;
        allow_encoded_hash: bool = "allowEncodedHash", (3, 7, 0), Plain;
        allow_encoded_null_character: bool = "allowEncodedNullCharacter", (3, 7, 0), Plain;
        allow_encoded_percent: bool = "allowEncodedPercent", (3, 7, 0), Plain;
        allow_encoded_question_mark: bool = "allowEncodedQuestionMark", (3, 7, 0), Plain;
        allow_encoded_semicolon: bool = "allowEncodedSemicolon", (3, 7, 0), Plain;
        allow_encoded_slash: bool = "allowEncodedSlash", (3, 7, 0), Plain;
    }
}

record! {
    /// The settings of `errorPage`.
    pub struct ErrorPage = "dynamic.ErrorPage" {
        error_request_headers: Vec<String> = "errorRequestHeaders", (3, 6, 15), Plain;
        query: String = "query", (3, 0, 0), Plain;
        service: String = "service", (3, 0, 0), Plain;
        status: Vec<String> = "status", (3, 0, 0), Plain;
        status_rewrites: BTreeMap<String, i64> = "statusRewrites", (3, 4, 0), Plain;
    }
    dropped {
        "nginxHeaders": Kind::TextMap;
    }
}

record! {
    /// The settings of `forwardAuth`.
    pub struct ForwardAuth = "dynamic.ForwardAuth" {
        add_auth_cookies_to_response: Vec<String> = "addAuthCookiesToResponse", (3, 0, 0), Plain;
        address: String = "address", (3, 0, 0), Plain;
        auth_request_headers: Vec<String> = "authRequestHeaders", (3, 0, 0), Plain;
        auth_response_headers: Vec<String> = "authResponseHeaders", (3, 0, 0), Plain;
        auth_response_headers_regex: String = "authResponseHeadersRegex", (3, 0, 0), Plain;
        auth_signin_url: String = "authSigninURL", (3, 7, 0), Plain;
        forward_body: bool = "forwardBody", (3, 3, 0), Plain;
        header_field: String = "headerField", (3, 2, 0), Plain;
        max_body_size: i64 = "maxBodySize", (3, 3, 0), Pointer, default Some(-1);
        max_response_body_size: i64 = "maxResponseBodySize", (3, 6, 9), Pointer;
        preserve_location_header: bool = "preserveLocationHeader", (3, 3, 0), Plain;
        preserve_request_method: bool = "preserveRequestMethod", (3, 4, 0), Plain;
        tls: ForwardAuthTls = "tls", (3, 0, 0), Plain;
        trust_forward_header: bool = "trustForwardHeader", (3, 0, 0), Pointer;
    }
}

record! {
    /// The settings of `forwardAuthTls`.
    pub struct ForwardAuthTls = "dynamic.ClientTLS" {
        ca: String = "ca", (3, 0, 0), Plain;
        ca_optional: bool = "caOptional", (3, 0, 0), Pointer;
        cert: String = "cert", (3, 0, 0), Plain;
        insecure_skip_verify: bool = "insecureSkipVerify", (3, 0, 0), Plain;
        key: String = "key", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `grpcWeb`.
    pub struct GrpcWeb = "dynamic.GrpcWeb" {
        allow_origins: Vec<String> = "allowOrigins", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `headers`.
    pub struct Headers = "dynamic.Headers" {
        access_control_allow_credentials: bool = "accessControlAllowCredentials", (3, 0, 0), Plain;
        access_control_allow_headers: Vec<String> = "accessControlAllowHeaders", (3, 0, 0), Plain;
        access_control_allow_methods: Vec<String> = "accessControlAllowMethods", (3, 0, 0), Plain;
        access_control_allow_origin_list: Vec<String> = "accessControlAllowOriginList", (3, 0, 0), Plain;
        access_control_allow_origin_list_regex: Vec<String> = "accessControlAllowOriginListRegex", (3, 0, 0), Plain;
        access_control_expose_headers: Vec<String> = "accessControlExposeHeaders", (3, 0, 0), Plain;
        access_control_max_age: i64 = "accessControlMaxAge", (3, 0, 0), Pointer;
        add_vary_header: bool = "addVaryHeader", (3, 0, 0), Plain;
        allowed_hosts: Vec<String> = "allowedHosts", (3, 0, 0), Plain;
        browser_xss_filter: bool = "browserXssFilter", (3, 0, 0), Plain;
        content_security_policy: String = "contentSecurityPolicy", (3, 0, 0), Plain;
        content_security_policy_report_only: String = "contentSecurityPolicyReportOnly", (3, 1, 0), Plain;
        content_type_nosniff: bool = "contentTypeNosniff", (3, 0, 0), Plain;
        custom_browser_xss_value: String = "customBrowserXSSValue", (3, 0, 0), Plain;
        custom_frame_options_value: String = "customFrameOptionsValue", (3, 0, 0), Plain;
        custom_request_headers: BTreeMap<String, String> = "customRequestHeaders", (3, 0, 0), Plain;
        custom_response_headers: BTreeMap<String, String> = "customResponseHeaders", (3, 0, 0), Plain;
        feature_policy: String = "featurePolicy", (3, 0, 0), Pointer;
        force_sts_header: bool = "forceSTSHeader", (3, 0, 0), Plain;
        frame_deny: bool = "frameDeny", (3, 0, 0), Plain;
        hosts_proxy_headers: Vec<String> = "hostsProxyHeaders", (3, 0, 0), Plain;
        is_development: bool = "isDevelopment", (3, 0, 0), Plain;
        permissions_policy: String = "permissionsPolicy", (3, 0, 0), Plain;
        public_key: String = "publicKey", (3, 0, 0), Plain;
        referrer_policy: String = "referrerPolicy", (3, 0, 0), Plain;
        ssl_force_host: bool = "sslForceHost", (3, 0, 0), Pointer;
        ssl_host: String = "sslHost", (3, 0, 0), Pointer;
        ssl_proxy_headers: BTreeMap<String, String> = "sslProxyHeaders", (3, 0, 0), Plain;
        ssl_redirect: bool = "sslRedirect", (3, 0, 0), Pointer;
        ssl_temporary_redirect: bool = "sslTemporaryRedirect", (3, 0, 0), Pointer;
        sts_include_subdomains: bool = "stsIncludeSubdomains", (3, 0, 0), Plain;
        sts_preload: bool = "stsPreload", (3, 0, 0), Plain;
        sts_seconds: i64 = "stsSeconds", (3, 0, 0), Pointer;
    }
}

record! {
    /// The settings of `inFlightReq`.
    pub struct InFlightReq = "dynamic.InFlightReq" {
        amount: i64 = "amount", (3, 0, 0), Plain;
        source_criterion: SourceCriterion = "sourceCriterion", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `sourceCriterion`.
    pub struct SourceCriterion = "dynamic.SourceCriterion" {
        ip_strategy: IpStrategy = "ipStrategy", (3, 0, 0), Plain;
        request_header_name: String = "requestHeaderName", (3, 0, 0), Plain;
        request_host: bool = "requestHost", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `ipStrategy`.
    pub struct IpStrategy = "dynamic.IPStrategy" {
        depth: i64 = "depth", (3, 0, 0), Plain;
        excluded_ips: Vec<String> = "excludedIPs", (3, 0, 0), Plain;
        ipv6_subnet: i64 = "ipv6Subnet", (3, 2, 0), Pointer;
    }
}

record! {
    /// The settings of `ipAllowList`.
    pub struct IpAllowList = "dynamic.IPAllowList" {
        ip_strategy: IpStrategy = "ipStrategy", (3, 0, 0), AllowEmpty;
        reject_status_code: i64 = "rejectStatusCode", (3, 0, 0), Plain;
        source_range: Vec<String> = "sourceRange", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `ipWhiteList`.
    pub struct IpWhiteList = "dynamic.IPWhiteList" {
        ip_strategy: IpStrategy = "ipStrategy", (3, 0, 0), AllowEmpty;
        source_range: Vec<String> = "sourceRange", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `passTlsClientCert`.
    pub struct PassTlsClientCert = "dynamic.PassTLSClientCert" {
        info: TlsClientCertificateInfo = "info", (3, 0, 0), Plain;
        pem: bool = "pem", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `tlsClientCertificateInfo`.
    pub struct TlsClientCertificateInfo = "dynamic.TLSClientCertificateInfo" {
        issuer: IssuerDn = "issuer", (3, 0, 0), Plain;
        not_after: bool = "notAfter", (3, 0, 0), Plain;
        not_before: bool = "notBefore", (3, 0, 0), Plain;
        sans: bool = "sans", (3, 0, 0), Plain;
        serial_number: bool = "serialNumber", (3, 0, 0), Plain;
        subject: SubjectDn = "subject", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `issuerDn`.
    pub struct IssuerDn = "dynamic.TLSClientCertificateIssuerDNInfo" {
        common_name: bool = "commonName", (3, 0, 0), Plain;
        country: bool = "country", (3, 0, 0), Plain;
        domain_component: bool = "domainComponent", (3, 0, 0), Plain;
        locality: bool = "locality", (3, 0, 0), Plain;
        organization: bool = "organization", (3, 0, 0), Plain;
        province: bool = "province", (3, 0, 0), Plain;
        serial_number: bool = "serialNumber", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `subjectDn`.
    pub struct SubjectDn = "dynamic.TLSClientCertificateSubjectDNInfo" {
        common_name: bool = "commonName", (3, 0, 0), Plain;
        country: bool = "country", (3, 0, 0), Plain;
        domain_component: bool = "domainComponent", (3, 0, 0), Plain;
        locality: bool = "locality", (3, 0, 0), Plain;
        organization: bool = "organization", (3, 0, 0), Plain;
        organizational_unit: bool = "organizationalUnit", (3, 0, 0), Plain;
        province: bool = "province", (3, 0, 0), Plain;
        serial_number: bool = "serialNumber", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `rateLimit`.
    pub struct RateLimit = "dynamic.RateLimit" {
        average: i64 = "average", (3, 0, 0), Plain;
        burst: i64 = "burst", (3, 0, 0), Plain, default Some(1);
        period: Duration = "period", (3, 0, 0), Plain, default Duration::parse("1s");
        redis: Redis = "redis", (3, 4, 0), Plain;
        source_criterion: SourceCriterion = "sourceCriterion", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `redis`.
    pub struct Redis = "dynamic.Redis" {
        db: i64 = "db", (3, 4, 0), Plain;
        dial_timeout: Duration = "dialTimeout", (3, 4, 0), Pointer, default Duration::parse("5s");
        endpoints: Vec<String> = "endpoints", (3, 4, 0), Plain, default Some(vec!["localhost:6379".to_owned()]);
        max_active_conns: i64 = "maxActiveConns", (3, 4, 0), Plain;
        min_idle_conns: i64 = "minIdleConns", (3, 4, 0), Plain;
        password: String = "password", (3, 4, 0), Plain;
        pool_size: i64 = "poolSize", (3, 4, 0), Plain;
        read_timeout: Duration = "readTimeout", (3, 4, 0), Pointer, default Duration::parse("3s");
        tls: tls::ClientTls = "tls", (3, 4, 0), Plain;
        username: String = "username", (3, 4, 0), Plain;
        write_timeout: Duration = "writeTimeout", (3, 4, 0), Pointer, default Duration::parse("3s");
    }
}

record! {
    /// The settings of `redirectRegex`.
    pub struct RedirectRegex = "dynamic.RedirectRegex" {
        permanent: bool = "permanent", (3, 0, 0), Plain;
        regex: String = "regex", (3, 0, 0), Plain;
        replacement: String = "replacement", (3, 0, 0), Plain;
    }
    dropped {
        "statusCode": Kind::Scalar("string");
    }
}

record! {
    /// The settings of `redirectScheme`.
    pub struct RedirectScheme = "dynamic.RedirectScheme" {
        permanent: bool = "permanent", (3, 0, 0), Plain;
        port: String = "port", (3, 0, 0), Plain;
        scheme: String = "scheme", (3, 0, 0), Plain;
    }
    dropped {
        "forcePermanentRedirect": Kind::Scalar("string");
    }
}

record! {
    /// The settings of `replacePath`.
    pub struct ReplacePath = "dynamic.ReplacePath" {
        path: String = "path", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `replacePathRegex`.
    pub struct ReplacePathRegex = "dynamic.ReplacePathRegex" {
        regex: String = "regex", (3, 0, 0), Plain;
        replacement: String = "replacement", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `retry`.
    pub struct Retry = "dynamic.Retry" {
        attempts: i64 = "attempts", (3, 0, 0), Plain;
        disable_retry_on_network_error: bool = "disableRetryOnNetworkError", (3, 7, 0), Plain;
        initial_interval: Duration = "initialInterval", (3, 0, 0), Plain;
        max_request_body_bytes: i64 = "maxRequestBodyBytes", (3, 7, 0), Pointer, default Some(2_097_152);
        retry_non_idempotent_method: bool = "retryNonIdempotentMethod", (3, 7, 0), Plain;
        status: Vec<String> = "status", (3, 7, 0), Plain;
        timeout: Duration = "timeout", (3, 7, 0), Plain;
    }
}

record! {
    /// The settings of `stripPrefix`.
    pub struct StripPrefix = "dynamic.StripPrefix" {
        force_slash: bool = "forceSlash", (3, 0, 0), Pointer;
        prefixes: Vec<String> = "prefixes", (3, 0, 0), Plain;
    }
}

record! {
    /// The settings of `stripPrefixRegex`.
    pub struct StripPrefixRegex = "dynamic.StripPrefixRegex" {
        regex: Vec<String> = "regex", (3, 0, 0), Plain;
    }
}
