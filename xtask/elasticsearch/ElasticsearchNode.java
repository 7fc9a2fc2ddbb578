import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginBundle;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * One Elasticsearch node, 8.19 or 9, on loopback: {@code ElasticsearchNode.java HTTP_PORT FOLDER TRANSPORT_PORT MODULES}.
 * Its jars have to be modules, on the module path; from a class path it does not start.
 */
public class ElasticsearchNode {
    public static void main(String[] arguments) throws Exception {
        String home = arguments[1];
        System.setProperty("es.path.home", home);
        System.setProperty("es.path.conf", home + "/config");
        LogConfigurator.configureESLogging();
        Settings settings = Settings.builder()
            .put("path.home", home)
            .put("path.data", home + "/data")
            .put("path.logs", home + "/logs")
            .put("http.port", arguments[0])
            .put("transport.port", arguments[2])
            .put("network.host", "127.0.0.1")
            .put("discovery.type", "single-node")
            .put("cluster.name", "tiro")
            .put("node.name", "one")
            // An index that nobody created has no mapping, and searches of it would find too little.
            .put("action.auto_create_index", false)
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), Path.of(home, "config"), () -> "one");
        PluginsLoader loader = PluginsLoader.createPluginsLoader(
            bundles("loadModulesBundles", Path.of(arguments[3])), bundles("loadPluginsBundles", Path.of(home, "plugins")), Map.of());
        Node node = new Node(environment, loader);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception error) {
                error.printStackTrace();
            }
        }));
        node.start();
        Thread.currentThread().join();
    }

    /** Version 8 takes the folder alone, 9 a flag beside it. */
    @SuppressWarnings("unchecked")
    private static Set<PluginBundle> bundles(String name, Path folder) throws Exception {
        for (Method method : PluginsLoader.class.getMethods()) {
            if (method.getName().equals(name)) {
                Object[] given = method.getParameterCount() == 1 ? new Object[] {folder} : new Object[] {folder, false};
                return (Set<PluginBundle>) method.invoke(null, given);
            }
        }
        throw new NoSuchMethodException(name);
    }
}
