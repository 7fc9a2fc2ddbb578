//! Whether the server lives and can serve, and how its parts are.

use tiro_api::{Ready, Status};

use crate::client::Call;
use crate::{Client, Error};

impl Client {
    /// Waits for an answer of `/healthz`: the process lives.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn healthz(&self) -> Result<(), Error> {
        self.send(&Call::get(self.server.url(&["healthz"], &[]))).await?;
        Ok(())
    }

    /// What `/readyz` says: reads and writes can be served, and what is amiss although they can.
    ///
    /// # Errors
    /// Those of any request; 503 if reads or writes cannot be served.
    pub async fn readyz(&self) -> Result<Ready, Error> {
        Ok(self.get(&["readyz"], &[]).await?.value)
    }

    /// How the server is, and the parts that it consists of: for its operator.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn status(&self) -> Result<Status, Error> {
        Ok(self.get(&["v1", "status"], &[]).await?.value)
    }
}
