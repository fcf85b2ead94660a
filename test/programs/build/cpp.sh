#!/bin/sh
# g++: the standard library, exceptions, threads, futures, streams, filesystem
cat > p.cc <<'E'
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>
struct D { ~D() { std::cout << "unwound\n"; } };
static int deep(int n) { D d; if (n == 0) throw std::runtime_error("bottom"); return deep(n - 1); }
int main() {
	try { deep(2); } catch (const std::exception &e) { std::cout << e.what() << "\n"; }
	std::vector<std::future<long>> fs; for (int i = 0; i < 4; i++) fs.push_back(std::async(std::launch::async, [i] { long s = 0; for (int j = 0; j < 100000; j++) s += j * i; return s; }));
	for (auto &f : fs) std::cout << f.get() << " "; std::cout << "\n";
	std::map<std::string, int> m; std::istringstream in("a b a c b a"); for (std::string w; in >> w;) m[w]++; for (auto &[k, v] : m) std::cout << k << v << " "; std::cout << "\n";
	namespace fs2 = std::filesystem; fs2::create_directories("x/y/z"); std::ofstream("x/y/f") << "text"; for (auto &e : fs2::recursive_directory_iterator("x")) m[e.path().string()] = e.is_directory();
	for (auto &[k, v] : m) std::cout << k << ":" << v << " "; std::cout << fs2::file_size("x/y/f") << " " << fs2::remove_all("x") << "\n";
	std::promise<int> p; auto f = p.get_future(); std::thread t([&] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); try { throw 5; } catch (...) { p.set_exception(std::current_exception()); } });
	try { f.get(); } catch (int x) { std::cout << "from a thread: " << x << "\n"; } t.join();
	std::vector<int> v(100000); for (size_t i = 0; i < v.size(); i++) v[i] = (i * 7919) % 100003; std::sort(v.begin(), v.end()); std::cout << v[500] << "\n";
	try { std::vector<char> big(1ul << 62); } catch (const std::exception &) { std::cout << "no such memory\n"; } std::cout << std::flush; std::terminate();
}
E
g++ -std=c++17 -O1 -pthread -o p p.cc && ./p; echo $?
