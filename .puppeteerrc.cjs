// The browser for the tests comes out of @sparticuz/chromium (a registry package), so puppeteer downloads none.
module.exports = { skipDownload: true };
