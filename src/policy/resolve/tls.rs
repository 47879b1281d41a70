//! The certificates of listeners: names of files, which are read when the gate is run.

use super::Resolver;
use crate::diagnostic::{Code, nearest};
use crate::policy::document::TlsDocument;
use crate::tls::{ClientCertificates, ServerFiles};

impl Resolver {
    pub(super) fn server_tls(&mut self, tls: &TlsDocument) -> Option<ServerFiles> {
        let clients = self.client_certificates(tls);
        let only_tls13 = match tls.min_version.as_ref().map(|name| name.text.as_str()) {
            None | Some("1.2") => false,
            Some("1.3") => true,
            Some(other) => {
                let message = format!("`{other}` is no version of TLS that there is here");
                let help = "write \"1.2\" or \"1.3\"".to_owned();
                let span = tls.min_version.as_ref().map_or(tls.span, |name| name.span);
                self.report(Code::Listener, span, message, help);
                false
            }
        };
        let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else {
            let message = "TLS needs a certificate and its key";
            let help = "write `tls: { cert: server.pem, key: server-key.pem }`".to_owned();
            self.report(Code::MissingKey, tls.span, message, help);
            return None;
        };
        Some(ServerFiles {
            cert: self.files.beside(cert),
            key: self.files.beside(key),
            clients,
            only_tls13,
        })
    }

    fn client_certificates(&mut self, tls: &TlsDocument) -> Option<ClientCertificates> {
        let optional = match tls.client_certs.as_ref().map(|name| name.text.as_str()) {
            None | Some("required") => false,
            Some("optional") => true,
            Some(other) => {
                let message = format!("`{other}` is not what can be asked of clients");
                let help = nearest(other, ["required", "optional"].into_iter())
                    .unwrap_or_else(|| "write `required` or `optional`".to_owned());
                let span = tls.client_certs.as_ref().map_or(tls.span, |name| name.span);
                self.report(Code::Listener, span, message, help);
                false
            }
        };
        let Some(ca) = &tls.client_ca else {
            let needs = tls.client_certs.iter().chain(&tls.crl).next();
            if let Some(name) = needs {
                let message = "no client is asked for a certificate";
                let help = "write `client_ca`, the authorities of their certificates".to_owned();
                self.report(Code::MissingKey, name.span, message, help);
            }
            return None;
        };
        Some(ClientCertificates {
            ca: self.files.beside(ca),
            optional,
            crls: tls.crl.iter().map(|name| self.files.beside(name)).collect(),
        })
    }
}
