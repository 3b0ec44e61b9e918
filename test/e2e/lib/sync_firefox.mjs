// Firefox as it syncs: its menu, its bookmarks, and what a sync came to. Runs in the browser itself.
import { Firefox } from './marionette.mjs';

export const GOOD = { service: 'success.status_ok', sync: 'success.sync', login: 'success.login', engines: {} };

const IMPORTS = `
	const { getFxAccountsSingleton, FxAccounts } = ChromeUtils.importESModule('resource://gre/modules/FxAccounts.sys.mjs');
	const { Weave } = ChromeUtils.importESModule('resource://services-sync/main.sys.mjs');
	const { PlacesUtils } = ChromeUtils.importESModule('resource://gre/modules/PlacesUtils.sys.mjs');
	const fxAccounts = getFxAccountsSingleton();
	const { bookmarks } = PlacesUtils;
`;

export class SyncFirefox extends Firefox {
	run(body, ...args) {
		return this.chrome(IMPORTS + body, ...args);
	}

	// As the menu "Sign in to Sync" does, up to the page; base: what the preference names.
	async openPage(base) {
		await this.run('Services.prefs.setStringPref("identity.fxaccounts.autoconfig.uri", args[0]);', base);
		await this.goTo(await this.run(`return FxAccounts.config.promiseConnectAccountURI('test');`));
		await this.screen('password');
	}

	async signIn(email, password) {
		await this.enter('#password-email', email);
		await this.enter('#password-pass', password);
		await this.click('[data-screen=password] button[type=submit]');
	}

	// One sync, as by hand: what Firefox says of it.
	sync() {
		return this.run(`
			for (let i = 0; i < 400 && !(await fxAccounts.getSignedInUser())?.verified; i++) {
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
			await Weave.Service.promiseInitialized;
			while (Weave.Service.locked) await new Promise((resolve) => setTimeout(resolve, 20));
			await Weave.Service.sync({ why: 'user' });
			return { service: Weave.Status.service, sync: Weave.Status.sync, login: Weave.Status.login, engines: Weave.Status.engines };
		`);
	}

	bookmark(url, title) {
		return this.run('await bookmarks.insert({ parentGuid: bookmarks.unfiledGuid, url: args[0], title: args[1] });', url, title);
	}

	// Renames one, and makes another if one is told.
	rename(url, title, other = null) {
		return this.run(`
			await bookmarks.update({ guid: (await bookmarks.fetch({ url: args[0] })).guid, title: args[1] });
			if (args[2]) await bookmarks.insert({ parentGuid: bookmarks.unfiledGuid, url: args[2], title: 'new' });
		`, url, title, other);
	}

	// The titles of these addresses' bookmarks; null for one that is not there.
	titles(...urls) {
		return this.run('return Promise.all(args.map(async (url) => (await bookmarks.fetch({ url }))?.title ?? null));', ...urls);
	}

	email() {
		return this.run('return (await fxAccounts.getSignedInUser()).email;');
	}

	// [type, isCurrentDevice] of each device of the account.
	devices() {
		return this.run(`
			await fxAccounts.device.refreshDeviceList({ ignoreCached: true });
			return fxAccounts.device.recentDeviceList.map((device) => [device.type, device.isCurrentDevice]);
		`);
	}

	devicesPage() {
		return this.run(`return FxAccounts.config.promiseManageDevicesURI('test');`);
	}

	isSignedIn() {
		return this.run(`
			const { sessionToken } = await fxAccounts._internal.getUserAccountData(['sessionToken']);
			return fxAccounts._internal.fxAccountsClient.sessionStatus(sessionToken);
		`);
	}
}
