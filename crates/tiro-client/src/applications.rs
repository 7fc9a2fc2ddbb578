//! Applications.

use http::Method;
use tiro_api::{Application, ApplicationPage, CreateApplication, UpdateApplication};

use crate::{Answer, Client, Error, Paging, Sending};

impl Client {
    /// Creates an application; its token is in the answer.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn create_application(
        &self,
        application: &CreateApplication<'_>,
        sending: &Sending,
    ) -> Result<Answer<Application<'static>>, Error> {
        let path = ["v1", "applications"];
        self.write(Method::POST, &path, application, sending).await
    }

    /// Gets an application.
    ///
    /// # Errors
    /// Those of any request; 410 if it was deleted.
    pub async fn application(&self, token: &str) -> Result<Answer<Application<'static>>, Error> {
        self.get(&["v1", "applications", token], &[]).await
    }

    /// Live applications by creation time and token.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn applications(&self, paging: &Paging) -> Result<ApplicationPage<'static>, Error> {
        let query = paging.query();
        Ok(self.get(&["v1", "applications"], &query).await?.value)
    }

    /// Changes an application's name or metadata.
    ///
    /// # Errors
    /// Those of any request; 412 if the condition does not hold.
    pub async fn update_application(
        &self,
        token: &str,
        update: &UpdateApplication<'_>,
        sending: &Sending,
    ) -> Result<Answer<Application<'static>>, Error> {
        let path = ["v1", "applications", token];
        self.write(Method::PATCH, &path, update, sending).await
    }

    /// Deletes an application and all in it; repeating it is fine.
    ///
    /// # Errors
    /// Those of any request; 412 if the condition does not hold.
    pub async fn delete_application(&self, token: &str, sending: &Sending) -> Result<Answer<()>, Error> {
        self.delete(&["v1", "applications", token], sending).await
    }
}
